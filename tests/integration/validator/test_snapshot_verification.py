"""A whole snapshot is refused if the certificates say something else, whoever vouches for it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from grown_network import OLD, copied, snapshot_network

from actors.executor.records import AccountRecord
from actors.snapshots.errors import SnapshotDamaged, SnapshotRefused
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.messages import SnapshotProof
from actors.snapshots.records import ChainHead, LedgerSnapshot, StoreChunk
from actors.snapshots.verification import check_head, check_snapshot
from actors.validator.errors import WrongCertificate
from ledger.codec import decode, encode
from ledger.snapshot import SnapshotManifest, SnapshotPart, chunk_digest
from ledger.types import BlockNumber, ChainRole, Digest, Height
from ledger.validators import ValidatorSet

LIMIT_BYTES = 1 << 21


@pytest.fixture
def files(grown: Path, tmp_path: Path) -> SnapshotFiles:
    """A snapshot that an honest validator has made."""
    (made, *_) = sorted((grown / f"node-{OLD[0]}" / "snapshots").glob("*/made"))
    shutil.copytree(made, tmp_path / "snapshot")
    return SnapshotFiles(tmp_path / "snapshot")


def judge(files: SnapshotFiles, tmp_path: Path) -> None:
    genesis = snapshot_network(tmp_path).genesis
    check_snapshot(files, genesis, ValidatorSet(genesis))


def part_start(manifest: SnapshotManifest, role: ChainRole) -> int:
    first = len(manifest.ledger.chunks)
    return first if role is ChainRole.ZK else first + len(manifest.zk.chunks)


def put_chunk(files: SnapshotFiles, role: ChainRole, place: int, data: bytes) -> None:
    """Replace a chunk of a chain, and have the manifest list it: f+1 liars can do that."""
    manifest = files.manifest()
    assert manifest is not None
    name = role.name.lower()
    chunks = list(getattr(manifest, name).chunks)
    chunks[place] = chunk_digest(data)
    files.write_manifest(replace(manifest, **{name: SnapshotPart(tuple(chunks))}))
    files.write_chunk(part_start(manifest, role) + place, data)


def richer(files: SnapshotFiles, role: ChainRole) -> None:
    """Give the first account more."""
    manifest = files.manifest()
    assert manifest is not None
    raw = files.chunk(part_start(manifest, role) + 1)
    assert raw is not None
    chunk = decode(raw, StoreChunk, limit_bytes=LIMIT_BYTES)
    first = chunk.pairs[0]
    account = decode(first.value, AccountRecord, limit_bytes=LIMIT_BYTES)
    account = replace(account, balance_wei=account.balance_wei + 1)
    pairs = (replace(first, value=encode(account)), *chunk.pairs[1:])
    put_chunk(files, role, 1, encode(StoreChunk(pairs)))


def without_an_account(files: SnapshotFiles, role: ChainRole) -> None:
    manifest = files.manifest()
    assert manifest is not None
    raw = files.chunk(part_start(manifest, role) + 1)
    assert raw is not None
    chunk = decode(raw, StoreChunk, limit_bytes=LIMIT_BYTES)
    put_chunk(files, role, 1, encode(StoreChunk(chunk.pairs[1:])))


def another_head(files: SnapshotFiles, role: ChainRole) -> None:
    head = files.head(role)
    put_chunk(files, role, 0, encode(replace(head, number=BlockNumber(head.number + 1))))


def headers_that_do_not_follow(files: SnapshotFiles, role: ChainRole) -> None:
    head = files.head(role)
    first, second, *others = head.header_rlps
    put_chunk(files, role, 0, encode(replace(head, header_rlps=(second, first, *others))))


def test_an_honest_snapshot_is_accepted(files: SnapshotFiles, tmp_path: Path) -> None:
    judge(files, tmp_path)
    assert not list(files.directory.glob("trial*")), "nothing is left of the trial"


@pytest.mark.parametrize("role", list(ChainRole))
@pytest.mark.parametrize(
    "change", [richer, without_an_account, another_head, headers_that_do_not_follow]
)
def test_a_chain_s_part_that_is_not_certified_is_refused(
    files: SnapshotFiles,
    tmp_path: Path,
    change: Callable[[SnapshotFiles, ChainRole], None],
    role: ChainRole,
) -> None:
    change(files, role)
    with pytest.raises(SnapshotRefused):
        judge(files, tmp_path)


def test_a_ledger_s_state_of_another_height_is_refused(
    files: SnapshotFiles, tmp_path: Path
) -> None:
    ledger = files.ledger()
    state = replace(ledger.state, height=Height(ledger.state.height + 1))
    raw = encode(LedgerSnapshot(state, ledger.zk_head, ledger.fast_head))
    manifest = files.manifest()
    assert manifest is not None
    assert len(manifest.ledger.chunks) == 1
    files.write_chunk(0, raw)
    files.write_manifest(replace(manifest, ledger=SnapshotPart((chunk_digest(raw),))))
    with pytest.raises(SnapshotRefused, match="height"):
        judge(files, tmp_path)


def test_a_proof_without_a_quorum_is_refused(files: SnapshotFiles, tmp_path: Path) -> None:
    proof = files.proof()
    assert proof is not None
    certificate = replace(
        proof.finalization, signers=b"\x03", signatures=proof.finalization.signatures[:2]
    )
    files.write_proof(replace(proof, finalization=certificate))
    with pytest.raises(WrongCertificate):
        judge(files, tmp_path)


def test_a_snapshot_that_is_not_whole_is_damaged(files: SnapshotFiles, tmp_path: Path) -> None:
    manifest = files.manifest()
    assert manifest is not None
    files.write_chunk(len(manifest.chunks) - 1, b"torn")
    with pytest.raises(SnapshotDamaged):
        judge(files, tmp_path)
    assert files.missing(manifest) == [len(manifest.chunks) - 1]


def test_a_checkpoint_of_another_chain_s_block_proves_nothing(files: SnapshotFiles) -> None:
    proof = files.proof()
    assert isinstance(proof, SnapshotProof)
    head: ChainHead = files.head(ChainRole.ZK)
    check_head(head, proof.zk)
    with pytest.raises(SnapshotRefused):
        check_head(head, proof.fast)
    with pytest.raises(SnapshotRefused):
        check_head(replace(head, header_rlps=()), proof.zk)


async def test_a_replay_takes_newer_states_of_the_fast_chain_out_of_service(
    grown: Path, tmp_path: Path
) -> None:
    network = copied(grown, tmp_path / "network")
    await network.start(0)
    server = network.nodes[0].snapshot_server
    made: set[Digest] = server.made()
    assert made
    numbers = [
        network.nodes[0].shelf.files(height).head(ChainRole.FAST).number
        for height in server.made_heights()
    ]
    server.forget_after(max(numbers))
    assert server.made() == made
    server.forget_after(min(numbers) - 1)
    assert server.made() == set()
    await network.stop()
