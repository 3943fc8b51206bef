"""Whether a ledger on disk is what validators have agreed on, from the genesis to its head.

Nothing on the disk is believed but the genesis. Blocks follow from each other by their
digests and the ledger's rules; the finalizations among them carry quorums of signatures; a
certificate covers its block and all before it, so the last one covers all. Each epoch's are of
the set that the last block of the epoch before has named. Where the chains'
stores are there, what this node has executed is compared with what checkpoint certificates say.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from actors.executor.chain_store import ChainStore
from actors.validator.archive import SNAPSHOT_INTERVAL, Archive
from actors.validator.errors import LedgerDamaged
from bridge.checkpoints import certificates_of
from bridge.errors import BridgeError
from bridge.membership import ValidatorSets
from bridge.rules import apply_block
from bridge.state import BridgeState, initial_state
from ledger.block import SealedBlock
from ledger.crossing import CheckpointCertificate
from ledger.epochs import follow_epochs
from ledger.errors import LedgerError
from ledger.genesis import Genesis
from ledger.types import ChainRole, Epoch, Height
from ledger.validators import ValidatorSet
from ledger.votes import Finalization

Advance = Callable[[int], None]
"""Told up to which height all is right."""

ADVANCE_BLOCKS: Final = 64


def unwatched(_: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found right.

    Attributes
    ----------
    first_height
        Of the first block that was checked: 1, or the one after the snapshot that the node has
        taken over, whose state a quorum has vouched for then and which cannot be derived here.
    height, digest
        Of the last block that a certificate covers: the head.
    certificates
        Finalizations, each with a quorum of genuine signatures.
    checkpoints
        Checkpoint certificates on the ledger, each with a quorum's aggregate signature.
    epoch
        Of the head.
    compared_results
        Checkpoints whose block this node has executed, with the same result.
    """

    first_height: int
    height: int
    digest: str
    epoch: int
    blocks: Mapping[str, int]
    certificates: int
    checkpoints: int
    compared_results: int


@dataclass(slots=True)
class _Counts:
    blocks: dict[ChainRole, int] = field(default_factory=lambda: dict.fromkeys(ChainRole, 0))
    certificates: int = 0
    checkpoints: int = 0
    compared: int = 0


def audit_ledger(
    archive: Archive,
    genesis: Genesis,
    chains: Mapping[ChainRole, ChainStore],
    advance: Advance = unwatched,
) -> Audit:
    """Check all of a ledger.

    Parameters
    ----------
    chains
        The chains' stores, as far as they are at hand.

    Raises
    ------
    LedgerDamaged
        Naming the first height at which something is not right.
    """
    counts = _Counts()
    certificates = archive.certificates()
    pending = next(certificates, None)
    state, sets = _beginning(archive, genesis)
    first, certified = Height(state.height + 1), Height(0)
    while pending is not None and pending.proposal.payload == state.digest:
        # Of the block that the snapshot was taken after, which may be the last of its epoch.
        signers = _set_of(archive, genesis, pending.proposal.epoch, state.height)
        _check_certificate(state.height, pending, signers)
        counts.certificates += 1
        certified = Height(state.height)
        pending = next(certificates, None)
    for height in range(first, archive.height + 1):
        sealed = _block_at(archive, height)
        validators = sets.after(state)
        state = _follow(state, sealed, validators)
        _check_snapshot(archive, state)
        _check_checkpoints(sealed, validators, genesis, chains, counts)
        counts.blocks[sealed.header.chain] += 1
        while pending is not None and pending.proposal.payload == sealed.digest:
            _check_certificate(height, pending, validators)
            counts.certificates += 1
            certified = Height(height)
            pending = next(certificates, None)
        if height % ADVANCE_BLOCKS == 0:
            advance(height)
    _require_all_used(archive, certified, pending, certificates)
    return Audit(
        first_height=first,
        height=archive.height,
        digest="0x" + state.digest.hex(),
        epoch=state.membership.epoch,
        blocks={role.name.lower(): count for role, count in counts.blocks.items()},
        certificates=counts.certificates,
        checkpoints=counts.checkpoints,
        compared_results=counts.compared,
    )


def _beginning(archive: Archive, genesis: Genesis) -> tuple[BridgeState, ValidatorSets]:
    """The state to start from, and its epoch's set, which is proved from the genesis."""
    if archive.base is None:
        return initial_state(genesis), ValidatorSets(ValidatorSet(genesis))
    height = archive.base.height
    state = archive.snapshot_at(height)
    if state is None or state.digest != archive.digest_at(height):
        raise LedgerDamaged(height, "the snapshot that the ledger starts from is not of its block")
    proved = _set_of(archive, genesis, state.membership.epoch, height)
    if proved.members != state.membership.members:
        raise LedgerDamaged(height, "the snapshot names another set than the ledger proves")
    return state, ValidatorSets(proved)


def _set_of(archive: Archive, genesis: Genesis, epoch: Epoch, height: int) -> ValidatorSet:
    ended = [change for change in archive.epoch_changes() if change.header.epoch < epoch]
    try:
        proved = follow_epochs(genesis, ended)
    except LedgerError as error:
        raise LedgerDamaged(height, f"the set of epoch {epoch} is not proved: {error}") from error
    if proved.epoch != epoch:
        raise LedgerDamaged(height, f"nothing proves the set of epoch {epoch}")
    return proved


def _block_at(archive: Archive, height: int) -> SealedBlock:
    try:
        sealed = archive.block(height)
    except LedgerError as error:
        raise LedgerDamaged(height, f"its block does not decode: {error}") from error
    if sealed is None:
        raise LedgerDamaged(height, f"the block is missing, though the ledger has {archive.height}")
    if sealed.digest != archive.digest_at(height):
        raise LedgerDamaged(height, "the block is not the one that the index names")
    return sealed


def _follow(state: BridgeState, sealed: SealedBlock, validators: ValidatorSet) -> BridgeState:
    try:
        following, _ = apply_block(state, sealed, validators, sealed.header.proposer)
    except (BridgeError, LedgerError) as error:
        raise LedgerDamaged(state.height + 1, f"the block breaks a rule: {error}") from error
    return following


def _check_snapshot(archive: Archive, state: BridgeState) -> None:
    if state.height % SNAPSHOT_INTERVAL == 0:
        try:
            is_same = archive.snapshot_at(state.height) == state
        except LedgerError as error:
            raise LedgerDamaged(state.height, f"the snapshot does not decode: {error}") from error
        if not is_same:
            raise LedgerDamaged(state.height, "the snapshot is not the state that follows")


def _check_certificate(height: int, certificate: Finalization, validators: ValidatorSet) -> None:
    try:
        validators.verify_certificate(certificate)
    except LedgerError as error:
        raise LedgerDamaged(height, f"the finalization is not genuine: {error}") from error


def _check_checkpoints(
    sealed: SealedBlock,
    validators: ValidatorSet,
    genesis: Genesis,
    chains: Mapping[ChainRole, ChainStore],
    counts: _Counts,
) -> None:
    height = sealed.header.height
    for certificate in certificates_of(sealed.block):
        try:
            validators.verify_checkpoint(certificate)
        except LedgerError as error:
            raise LedgerDamaged(height, f"a checkpoint is not genuine: {error}") from error
        counts.checkpoints += 1
        counts.compared += _compare_result(height, certificate, genesis, chains)


def _compare_result(
    height: int,
    certificate: CheckpointCertificate,
    genesis: Genesis,
    chains: Mapping[ChainRole, ChainStore],
) -> bool:
    """Whether the node has executed the checkpoint's block, with the same result.

    A fast chain that was replayed has other results than its old checkpoints; those name
    other blocks.
    """
    checkpoint = certificate.checkpoint
    for role, chain in chains.items():
        if genesis.chain(role).chain_id != checkpoint.chain_id:
            continue
        result = chain.result(checkpoint.number)
        if result is None or bytes(result.attested_digest) != bytes(checkpoint.ledger_digest):
            return False
        if result.state_root != checkpoint.state_root:
            raise LedgerDamaged(
                height,
                f"{role.name} block {checkpoint.number} has the state root "
                f"{result.state_root.hex()} here, a quorum says {checkpoint.state_root.hex()}",
            )
        return True
    return False


def _require_all_used(
    archive: Archive,
    certified: int,
    pending: Finalization | None,
    certificates: Iterator[Finalization],
) -> None:
    if pending is not None:
        left = 1 + sum(1 for _ in certificates)
        raise LedgerDamaged(
            certified + 1,
            f"the finalization of view {pending.proposal.view} is of no block here "
            f"({left} are left)",
        )
    if certified != archive.height:
        raise LedgerDamaged(
            certified + 1, f"no certificate covers the blocks from here to {archive.height}"
        )
