"""What all actors of a node do when they start, and when they cannot go on.

Actors are named, detached and restarted by Ray. A restart runs the constructor
again, which finds everything on disk; nothing but the disk survives.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from actors.config import NodeConfig
from ledger.genesis import Genesis, open_genesis
from ledger.keys import ValidatorKeys, own_validator
from ledger.types import NO_VALIDATOR
from ledger.validators import ValidatorSet

SEED_BYTES: Final = 32

log = structlog.get_logger(__name__)


class WrongSeed(Exception):
    """A node's seed is not that of its validator: as any other it would only be refused."""


def load_genesis(config: NodeConfig) -> Genesis:
    """The network's genesis."""
    return open_genesis(config.genesis_file.read_bytes())


def load_keyring(config: NodeConfig) -> tuple[ValidatorKeys, ...]:
    """All keys of the node: in each epoch its validator has one of them, or none.

    Raises
    ------
    WrongSeed
        If a file is no seed.
    """
    return tuple(ValidatorKeys(_read_seed(file)) for file in config.seed_files)


def check_keyring(
    config: NodeConfig, genesis: Genesis, validators: ValidatorSet, keyring: Sequence[ValidatorKeys]
) -> None:
    """Check that a node's keys are those of its validator, and of no other one.

    They are those that the genesis names, or keys that joined the set later; those may
    also have to be voted in yet, on a node beyond those of the genesis.

    Parameters
    ----------
    validators
        The set of the epoch that the node's ledger has come to.

    Raises
    ------
    WrongSeed
        If they are nobody's, or another validator's, which two nodes must never be.
    """
    first = ValidatorSet(genesis)
    indices = {first.index_of(keys.consensus.public_key) for keys in keyring} - {None}
    is_of_genesis = config.index < len(genesis.validators)
    if not is_of_genesis and not indices:
        return
    has_joined = not indices and own_validator(validators, keyring)[0] != NO_VALIDATOR
    if indices != {config.index} and not has_joined:
        raise WrongSeed(
            f"{config.seed_file} is not the seed of validator {config.index} of the genesis, "
            f"nor one that has joined by epoch {validators.epoch}"
        )


def load_keys(config: NodeConfig, genesis: Genesis) -> ValidatorKeys:
    """The keys of a node in the first epoch.

    Raises
    ------
    WrongSeed
        If they are not those of the node's validator in the genesis.
    """
    keyring = load_keyring(config)
    validators = ValidatorSet(genesis)
    check_keyring(config, genesis, validators, keyring)
    return own_validator(validators, keyring)[1]


def _read_seed(file: Path) -> bytes:
    seed = file.read_bytes()
    if len(seed) != SEED_BYTES:
        raise WrongSeed(f"{file} has {len(seed)} bytes, expected {SEED_BYTES}")
    return seed


def die(error: BaseException) -> None:
    """End the process: Ray starts it again, and the disk says where to go on."""
    log.error("the actor cannot go on and restarts", exc_info=error)
    os._exit(1)


def restart() -> None:
    """End the process, as planned: Ray starts it again."""
    log.info("the actor restarts")
    os._exit(1)


def die_if_failed(task: "asyncio.Task[Any]") -> None:
    """Done-callback of a task that the actor cannot live without."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        die(error)
