"""Audits of a node's disk in a :class:`LocalNetwork`."""

from pathlib import Path

from local_network import CHAIN_IDS

from actors.executor.chain_store import ChainStore
from actors.validator.archive import Archive
from actors.validator.audit import Audit, audit_ledger
from ledger.genesis import Genesis
from ledger.types import ChainRole
from ledger.validators import ValidatorSet
from storage.store import Store


def audit(folder: Path, genesis: Genesis, *roles: ChainRole) -> Audit:
    """Check the ledger of a node's directory, and what it has executed of these chains."""
    chains = {
        role: ChainStore(Store(folder / role.name, is_read_only=True), CHAIN_IDS[role])
        for role in roles
    }
    with Store(folder / "ledger", is_read_only=True) as store:
        return audit_ledger(Archive(store, genesis, ValidatorSet(genesis)), genesis, chains)
