"""Whether a machine has what a node needs to start: files, keys, ports."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress

from actors.boot import WrongSeed, load_keys
from actors.config import NodeConfig
from actors.validator.vote_journal import found_journal
from ledger.errors import LedgerError
from ledger.genesis import Genesis, genesis_digest, open_genesis
from ledger.types import Digest
from storage.errors import StorageError


def problems_of(config: NodeConfig, expected: Digest) -> list[str]:
    """What keeps a node from starting on this machine, as sentences; none if it can.

    Parameters
    ----------
    expected
        Digest of the genesis that whoever starts the node has.
    """
    genesis, found = _genesis(config, expected)
    problems = list(found)
    if genesis is not None:
        problems += _key_problems(config, genesis)
    problems += _directory_problems(config)
    for option, host, port in (
        ("--listen", config.listen.host, config.listen.port),
        ("--rpc", config.rpc_host, config.rpc_port),
    ):
        problems += _port_problems(option, host, port)
    return problems


def begin_votes(config: NodeConfig) -> list[str]:
    """Begin the journal of keys that have never voted; what speaks against it, as sentences."""
    if config.journal_directory.exists():
        return [f"{config.journal_directory} is there, so the keys may have voted: no --new-keys"]
    try:
        found_journal(
            config.journal_directory, open_genesis(config.genesis_file.read_bytes()).epoch
        )
    except (OSError, StorageError) as error:
        return [f"{config.journal_directory} cannot be written: {error}"]
    return []


def _genesis(config: NodeConfig, expected: Digest) -> tuple[Genesis | None, list[str]]:
    file = config.genesis_file
    try:
        genesis = open_genesis(file.read_bytes())
    except OSError as error:
        return None, [f"{file} cannot be read: {error.strerror}"]
    except LedgerError as error:
        return None, [f"{file} is damaged: {error}"]
    if genesis_digest(genesis) != expected:
        return None, [
            f"{file} is of another network ({genesis_digest(genesis).hex()[:16]}, "
            f"expected {expected.hex()[:16]})"
        ]
    return genesis, []


def _key_problems(config: NodeConfig, genesis: Genesis) -> Iterator[str]:
    file = config.seed_file
    try:
        load_keys(config, genesis)
        mode = file.stat().st_mode
    except OSError as error:
        yield f"{file} cannot be read: {error.strerror}; see `braid keys new` and `braid node join`"
    except WrongSeed as error:
        yield f"{error}; `braid genesis show` says whose it is"
    else:
        if mode & 0o007:
            yield f"{file} can be read by everyone: chmod 600 it, and make new keys if others did"


def _directory_problems(config: NodeConfig) -> Iterator[str]:
    if not config.directory.is_dir():
        yield f"{config.directory} is missing"
    elif not os.access(config.directory, os.W_OK | os.X_OK):
        yield f"{config.directory} cannot be written"


def _port_problems(option: str, host: str, port: int) -> Iterator[str]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(AttributeError, OSError):
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            yield f"port {port} of {host} cannot be used ({error.strerror}): choose with {option}"
