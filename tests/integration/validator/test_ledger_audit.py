"""A ledger on disk is checked from the genesis on; whatever is changed in it is found."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_disk import audit
from local_network import LocalNetwork
from long_ledger import write_long_ledger

from actors.executor.records import ResultRecord
from actors.validator.archive import SNAPSHOT_INTERVAL
from actors.validator.errors import LedgerDamaged
from bridge.state import initial_state
from ledger.block import BlockBody, LedgerBlock, body_digest, open_block, seal
from ledger.codec import decode, encode
from ledger.genesis import Genesis
from ledger.types import ChainRole, Digest, EvmHash
from ledger.votes import Finalization
from storage.keys import block_key, height_key, number_key
from storage.store import Space, Store, WriteBatch

BLOCKS = SNAPSHOT_INTERVAL + 20
HEIGHT = 130


@pytest.fixture(scope="module")
def long_ledger(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Genesis]:
    """A node's disk with a ledger that nobody has run."""
    network = LocalNetwork(tmp_path_factory.mktemp("long"))
    write_long_ledger(network, BLOCKS, 0)
    return network.node_directory(0), network.genesis


@pytest.fixture
def disk(long_ledger: tuple[Path, Genesis], tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(long_ledger[0], tmp_path / "node"))


@pytest.fixture
def genesis(long_ledger: tuple[Path, Genesis]) -> Genesis:
    return long_ledger[1]


@pytest.fixture
def store(disk: Path) -> Iterator[Store]:
    """The ledger's store; the test closes it before it looks."""
    store = Store(disk / "ledger")
    yield store
    store.close()


def digest_at(store: Store, height: int) -> bytes:
    digest = store.get(Space.FINALIZED, height_key(height))
    assert digest is not None
    return digest


def raw_at(store: Store, height: int) -> bytes:
    raw = store.get(Space.BLOCKS, block_key(digest_at(store, height)))
    assert raw is not None
    return raw


def test_a_ledger_that_was_agreed_on_is_right(disk: Path, genesis: Genesis) -> None:
    found = audit(disk, genesis)
    assert found.height == BLOCKS
    assert sum(found.blocks.values()) == BLOCKS
    assert found.certificates == -(-BLOCKS // 64)


async def test_a_ledger_that_was_run_is_right_and_so_is_what_was_executed(
    network: LocalNetwork,
) -> None:
    await network.start()
    await network.wait_for_height(60)
    await network.wait_until(
        lambda: network.nodes[0].final_state.chain(ChainRole.ZK).certified.number > 0
    )
    await network.stop()
    found = audit(network.node_directory(0), network.genesis, *ChainRole)
    assert found.checkpoints > 0
    assert found.compared_results > 0
    with Store(network.node_directory(0) / "ZK") as chain:
        for number in range(1, 200):
            key = b"result/" + number_key(number)
            raw = chain.get(Space.META, key)
            if raw is not None:
                chain.put(Space.META, key, _with_another_root(raw))
    with pytest.raises(LedgerDamaged, match="a quorum says"):
        audit(network.node_directory(0), network.genesis, *ChainRole)


def _with_another_root(raw: bytes) -> bytes:
    record = decode(raw, ResultRecord, limit_bytes=1 << 20)
    return encode(replace(record, state_root=EvmHash(bytes(32))))


def flip_a_bit_of_a_block(store: Store) -> None:
    raw = bytearray(raw_at(store, HEIGHT))
    raw[len(raw) // 2] ^= 1
    store.put(Space.BLOCKS, block_key(digest_at(store, HEIGHT)), bytes(raw))


def lose_a_block(store: Store) -> None:
    batch = WriteBatch()
    batch.delete(Space.BLOCKS, block_key(digest_at(store, HEIGHT)))
    store.commit(batch)


def put_another_block_in_its_place(store: Store) -> None:
    store.put(Space.FINALIZED, height_key(HEIGHT), digest_at(store, HEIGHT + 2))


def put_another_body_under_its_digest(store: Store) -> None:
    sealed = open_block(raw_at(store, HEIGHT + 1))
    store.put(Space.BLOCKS, block_key(digest_at(store, HEIGHT)), sealed.encoded)


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit_of_a_block,
        lose_a_block,
        put_another_block_in_its_place,
        put_another_body_under_its_digest,
    ],
)
def test_a_changed_block_is_found_at_its_height(
    store: Store, disk: Path, genesis: Genesis, damage: Callable[[Store], None]
) -> None:
    damage(store)
    store.close()
    with pytest.raises(LedgerDamaged) as caught:
        audit(disk, genesis)
    assert caught.value.height == HEIGHT


def test_a_history_that_was_written_anew_from_a_height_on_has_no_certificates(
    store: Store, disk: Path, genesis: Genesis
) -> None:
    """The last blocks anew, each with a right parent: only the signatures are missing."""
    parent = digest_at(store, HEIGHT - 1)
    for height in range(HEIGHT, BLOCKS + 1):
        block = open_block(raw_at(store, height)).block
        body = BlockBody((), (), (), (), ())
        header = replace(block.header, parent=Digest(parent), body=body_digest(body))
        sealed = seal(LedgerBlock(header, body))
        store.put(Space.BLOCKS, block_key(sealed.digest), sealed.encoded)
        store.put(Space.FINALIZED, height_key(height), sealed.digest)
        parent = sealed.digest
    store.close()
    with pytest.raises(LedgerDamaged, match=r"snapshot|of no block here"):
        audit(disk, genesis)


def test_a_forged_certificate_is_found(store: Store, disk: Path, genesis: Genesis) -> None:
    key, raw = next(store.iterate(Space.CERTIFICATES))
    certificate = decode(raw, Finalization, limit_bytes=1 << 16)
    swapped = tuple(reversed(certificate.signatures))
    forged = Finalization(certificate.proposal, certificate.signers, swapped)
    store.put(Space.CERTIFICATES, key, encode(forged))
    store.close()
    with pytest.raises(LedgerDamaged, match="not genuine") as caught:
        audit(disk, genesis)
    assert caught.value.height == 64


def test_blocks_that_no_certificate_covers_are_found(
    store: Store, disk: Path, genesis: Genesis
) -> None:
    last = store.last(Space.CERTIFICATES)
    assert last is not None
    batch = WriteBatch()
    batch.delete(Space.CERTIFICATES, last[0])
    store.commit(batch)
    store.close()
    with pytest.raises(LedgerDamaged, match="no certificate covers"):
        audit(disk, genesis)


def test_a_snapshot_of_another_state_is_found(store: Store, disk: Path, genesis: Genesis) -> None:
    key = b"state/" + height_key(SNAPSHOT_INTERVAL)
    store.put(Space.META, key, encode(initial_state(genesis)))
    store.close()
    with pytest.raises(LedgerDamaged, match="snapshot") as caught:
        audit(disk, genesis)
    assert caught.value.height == SNAPSHOT_INTERVAL


def test_it_is_read_beside_who_writes(store: Store, disk: Path, genesis: Genesis) -> None:
    assert audit(disk, genesis).height == BLOCKS
    assert digest_at(store, 1)
