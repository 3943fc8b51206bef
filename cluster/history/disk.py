"""A ledger on disk, opened beside whoever writes to it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actors.executor.chain_store import ChainStore
from actors.validator.archive import Archive
from actors.validator.errors import ValidatorError
from cluster.backup.restoring import open_backup
from cluster.errors import LedgerRefused
from cluster.network import load_network
from cluster.node_launcher import node_of
from execution.genesis import chain_spec
from ledger.errors import LedgerError
from ledger.genesis import Genesis
from ledger.types import ChainRole
from ledger.validators import ValidatorSet
from storage.errors import StorageError
from storage.store import Store


@dataclass(frozen=True, slots=True)
class LedgerDisk:
    """A final ledger as of the moment when it was opened, and the chains beside it."""

    where: str
    genesis: Genesis
    archive: Archive
    chains: dict[ChainRole, ChainStore]


@contextlib.contextmanager
def open_ledger(directory: Path, node: int, backup: Path | None) -> Iterator[LedgerDisk]:
    """Open a node's ledger, or a backup's, to read it only.

    Raises
    ------
    LedgerRefused
        If there is none, it cannot be read, or it turns out to be damaged while it is.
    BackupRefused
        If the backup is not whole.
    """
    if backup is None:
        network = load_network(directory)
        config = node_of(network, node)
        place, where = config.directory, f"node {node}'s ledger"
    else:
        _, network = open_backup(backup)
        place, where = backup.resolve(), f"the ledger of {backup}"
    if not (place / "ledger").is_dir():
        raise LedgerRefused(f"{place} holds no ledger: it is on the node's machine")
    genesis = network.genesis
    try:
        with contextlib.ExitStack() as stack:
            ledger = stack.enter_context(Store(place / "ledger", is_read_only=True))
            chains = {
                role: ChainStore(
                    stack.enter_context(Store(place / role.name.lower(), is_read_only=True)),
                    chain_spec(genesis, role).chain_id,
                )
                for role in ChainRole
            }
            archive = Archive(ledger, genesis, ValidatorSet(genesis))
            yield LedgerDisk(where, genesis, archive, chains)
    except (StorageError, ValidatorError, LedgerError) as error:
        raise LedgerRefused(f"{where}: {error}") from error
