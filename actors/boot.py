"""What all actors of a node do when they start, and when they cannot go on.

Actors are named, detached and restarted by Ray. A restart runs the constructor
again, which finds everything on disk; nothing but the disk survives.
"""

import asyncio
import os
from typing import Any, Final

import structlog

from actors.config import NodeConfig
from ledger.genesis import Genesis, open_genesis
from ledger.keys import ValidatorKeys

SEED_BYTES: Final = 32

log = structlog.get_logger(__name__)


class WrongSeed(Exception):
    """A node's seed is not that of its validator: as any other it would only be refused."""


def load_genesis(config: NodeConfig) -> Genesis:
    """The network's genesis."""
    return open_genesis(config.genesis_file.read_bytes())


def load_keys(config: NodeConfig, genesis: Genesis) -> ValidatorKeys:
    """The node's keys.

    Raises
    ------
    WrongSeed
        If they are not those of the node's validator in the genesis.
    """
    seed = config.seed_file.read_bytes()
    if len(seed) != SEED_BYTES:
        raise WrongSeed(f"{config.seed_file} has {len(seed)} bytes, expected {SEED_BYTES}")
    keys = ValidatorKeys(seed)
    if keys.consensus.public_key != genesis.validators[config.index].consensus_key:
        raise WrongSeed(
            f"{config.seed_file} is not the seed of validator {config.index} of the genesis"
        )
    return keys


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
