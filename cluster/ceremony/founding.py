"""Putting a genesis together from operators' entries, and checking one that somebody has made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cluster.addresses import ListenAddress, listening_for
from cluster.ceremony.operator_entry import OperatorEntry
from cluster.errors import ClusterError, GenesisRefused
from cluster.genesis_terms import NetworkTerms, build_genesis
from cluster.network import Network, describe_network, is_network
from cluster.node_entries import DEFAULT_RPC, NodeEntry
from cluster.proofs.files import read_input
from ledger.codec import encode
from ledger.errors import LedgerError
from ledger.genesis import MAX_GENESIS_BYTES, Genesis, genesis_digest, open_genesis
from ledger.types import MAX_VALIDATORS, Digest, TimestampMs

MIN_VALIDATORS: Final = 2
"""A validator alone has nobody to dial."""


def found_network(
    folder: Path,
    terms: NetworkTerms,
    entries: Sequence[OperatorEntry],
    timestamp_ms: TimestampMs,
    rpc: ListenAddress = DEFAULT_RPC,
) -> Network:
    """Write the genesis and ``network.json`` of a network; validators in the order of entries.

    Parameters
    ----------
    rpc
        Where each node's JSON-RPC listens on its machine.

    Raises
    ------
    GenesisRefused
        If the folder holds a network, or entries or terms start none.
    BadDirectory
        If the files cannot be written.
    """
    if is_network(folder):
        raise GenesisRefused(f"{folder} holds a network already: name another folder")
    if not MIN_VALIDATORS <= len(entries) <= MAX_VALIDATORS:
        raise GenesisRefused(
            f"{len(entries)} operators: a network has {MIN_VALIDATORS} to {MAX_VALIDATORS}"
        )
    _refuse_twice("name", [entry.validator.name for entry in entries])
    _refuse_twice("address", [str(entry.address) for entry in entries])
    genesis = build_genesis(terms, tuple(entry.validator for entry in entries), timestamp_ms)
    try:
        open_genesis(encode(genesis))
    except LedgerError as error:
        raise GenesisRefused(f"these entries and terms start no network: {error}") from error
    nodes = [NodeEntry(each.address, listening_for(each.address), rpc) for each in entries]
    return describe_network(folder, genesis, nodes)


def read_genesis(path: Path) -> Genesis:
    """The genesis in a file, or in a folder's ``genesis.bin``.

    Raises
    ------
    GenesisRefused
        If it is none, or cannot be read.
    """
    file = path / "genesis.bin" if path.is_dir() else path
    try:
        return open_genesis(read_input(file, "the genesis", MAX_GENESIS_BYTES))
    except ClusterError as error:
        raise GenesisRefused(str(error)) from error
    except LedgerError as error:
        raise GenesisRefused(f"{file} starts no network: {error}") from error


def require_digest(genesis: Genesis, expected: Digest) -> None:
    """Check that a genesis is the one that the founders have agreed on.

    Raises
    ------
    GenesisRefused
        If it is another one.
    """
    found = genesis_digest(genesis)
    if found != expected:
        raise GenesisRefused(
            f"the genesis has the digest {found.hex()}, expected {expected.hex()}: "
            "ask whoever put it together, and start nothing before all have the same"
        )


def require_entry(genesis: Genesis, entry: OperatorEntry) -> int:
    """Check that a genesis has an operator's entry unchanged; gives its index.

    Raises
    ------
    GenesisRefused
        If it is not there, or was changed.
    """
    for index, validator in enumerate(genesis.validators):
        if validator == entry.validator:
            return index
        if validator.consensus_key == entry.validator.consensus_key:
            raise GenesisRefused(
                f"validator {index} has the consensus key of {entry.validator.name}, and other "
                "data: have the genesis put together again from the entry as it is now"
            )
    raise GenesisRefused(
        f"no validator of the genesis has the keys of {entry.validator.name}: "
        "have it put together again with this entry"
    )


def require_terms(genesis: Genesis, terms: NetworkTerms) -> None:
    """Check that a genesis has these terms and nothing else: the same accounts, code and times.

    Raises
    ------
    GenesisRefused
        Naming what differs.
    """
    expected = build_genesis(terms, genesis.validators, genesis.timestamp_ms)
    names = ("network", "protocol_version", "epoch", "timing", "l1", "chains")
    different = [name for name in names if getattr(genesis, name) != getattr(expected, name)]
    if different:
        raise GenesisRefused(f"the genesis has other terms: {', '.join(different)} differ")


def _refuse_twice(what: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise GenesisRefused(f"two operators have the {what} {value}")
