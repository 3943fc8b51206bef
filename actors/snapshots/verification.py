"""Whether a whole snapshot is what the certificates say.

Its chunks are those that f+1 validators vouch for, one honest one among them. This looks at the
same from the other side: the block at its height is final by a certificate, and each chain's
accounts hash to the state root of a header that a quorum of checkpoint keys has signed.
"""

import shutil

from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from actors.executor.errors import ExecutorError
from actors.executor.importing import import_snapshot
from actors.snapshots.errors import SnapshotDamaged, SnapshotRefused
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.messages import CertifiedHeaders, SnapshotProof
from actors.snapshots.records import ChainHead
from actors.validator.history_proof import check_certified
from execution.errors import EngineError, MalformedHeaderError
from execution.genesis import chain_spec
from execution.header_fields import header_fields
from ledger.block import open_block
from ledger.errors import CodecError, SignatureError
from ledger.genesis import Genesis, genesis_digest
from ledger.hashing import keccak
from ledger.types import ChainRole
from ledger.validators import ValidatorSet
from storage.store import Store


def check_proof(
    proof: SnapshotProof, files: SnapshotFiles, genesis: Genesis, validators: ValidatorSet
) -> None:
    """Check that a snapshot's block is final and the heads of its chains are certified.

    Raises
    ------
    WrongBlocks, WrongCertificate
        If the headers do not lead to the certified block.
    SnapshotRefused
        If the block is another one, or a head is not certified.
    SnapshotDamaged
        If manifest or heads are not here.
    """
    manifest = files.manifest()
    if manifest is None:
        raise SnapshotDamaged(f"{files.directory} has no manifest")
    try:
        block = open_block(proof.block)
    except CodecError as error:
        raise SnapshotRefused(f"its block is none: {error}") from error
    if block.digest != manifest.digest or block.header.height != manifest.height:
        raise SnapshotRefused(
            f"its block is {block.digest.hex()[:16]} at {block.header.height}, "
            f"expected {manifest.digest.hex()[:16]} at {manifest.height}"
        )
    check_certified(block.digest, proof.link, proof.finalization, validators)
    for role, certified in ((ChainRole.ZK, proof.zk), (ChainRole.FAST, proof.fast)):
        try:
            validators.verify_checkpoint(certified.certificate)
        except SignatureError as error:
            raise SnapshotRefused(f"a checkpoint of it is not certified: {error}") from error
        if certified.certificate.checkpoint.chain_id != genesis.chain(role).chain_id:
            raise SnapshotRefused(f"a checkpoint is not of the {role.name} chain")
        check_head(files.head(role), certified)


def check_head(head: ChainHead, certified: CertifiedHeaders) -> None:
    """Check that a certified header descends from a chain's head, and that from its older ones.

    Raises
    ------
    SnapshotRefused
        If it does not.
    """
    header_rlps = head.header_rlps + certified.header_rlps
    checkpoint = certified.certificate.checkpoint
    if not head.header_rlps or keccak(header_rlps[-1]) != checkpoint.block_hash:
        raise SnapshotRefused(f"no headers lead from block {head.number} to {checkpoint.number}")
    try:
        fields = [header_fields(header_rlp) for header_rlp in header_rlps]
    except MalformedHeaderError as error:
        raise SnapshotRefused(f"no header: {error}") from error
    first = head.number + 1 - len(head.header_rlps)
    if [one.number for one in fields] != list(range(first, first + len(fields))):
        raise SnapshotRefused(f"the headers around block {head.number} are of other blocks")
    for older_rlp, newer in zip(header_rlps[:-1], fields[1:], strict=True):
        if keccak(older_rlp) != newer.parent_hash:
            raise SnapshotRefused(f"a header is not the parent of block {newer.number}")


def check_snapshot(files: SnapshotFiles, genesis: Genesis, validators: ValidatorSet) -> None:
    """Judge a whole snapshot: the chains' states are loaded into engines. Takes seconds and more.

    Raises
    ------
    SnapshotRefused
        If a part is not what the certificates say.
    SnapshotDamaged
        If it is not whole.
    """
    manifest, proof = files.manifest(), files.proof()
    if manifest is None or proof is None:
        raise SnapshotDamaged(f"{files.directory} has no manifest or no proof")
    check_proof(proof, files, genesis, validators)
    state = files.ledger().state
    if state.height != manifest.height or state.digest != manifest.digest:
        raise SnapshotRefused(f"the ledger's state is of height {state.height}")
    for role in ChainRole:
        expected, got = state.chain(role).number + 1, files.head(role).number
        if got != expected:
            raise SnapshotRefused(f"the {role.name} chain's state is of {got}, expected {expected}")
        _check_state(files, role, genesis)


def _check_state(files: SnapshotFiles, role: ChainRole, genesis: Genesis) -> None:
    """Load the state as an executor does: its engine refuses one of another state root."""
    scratch = files.directory / f"trial-{role.name.lower()}"
    shutil.rmtree(scratch, ignore_errors=True)
    spec = chain_spec(genesis, role)
    try:
        with Store(scratch) as store:
            chain = ChainStore(store, spec.chain_id)
            import_snapshot(chain, role, files.directory)
            ChainExecutor(role, spec, genesis_digest(genesis), chain)
    except (EngineError, ExecutorError, CodecError) as error:
        raise SnapshotRefused(f"the {role.name} chain's state: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
