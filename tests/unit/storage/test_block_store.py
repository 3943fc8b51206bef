"""The block store: typed key spaces, order, atomic batches, lock, crash."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import keys
from storage.errors import StorageClosedError, StorageFailedError, StorageLockedError
from storage.store import Space, Store, WriteBatch


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path) as opened:
        yield opened


def test_what_is_put_is_found_and_survives_reopening(tmp_path):
    digest = bytes(range(32))
    with Store(tmp_path) as store:
        store.put(Space.BLOCKS, keys.block_key(digest), b"block")
    with Store(tmp_path) as store:
        assert store.get(Space.BLOCKS, keys.block_key(digest)) == b"block"


def test_what_is_absent_is_none(store):
    assert store.get(Space.META, b"nothing") is None
    assert store.first(Space.META) is None
    assert store.last(Space.META) is None


def test_spaces_do_not_mix(store):
    store.put(Space.HEADERS, b"key", b"header")
    store.put(Space.RECEIPTS, b"key", b"receipts")
    assert store.get(Space.HEADERS, b"key") == b"header"
    assert store.get(Space.BLOCKS, b"key") is None


def test_a_batch_is_applied_in_its_order(store):
    batch = WriteBatch()
    batch.put(Space.META, b"a", b"1")
    batch.put(Space.META, b"a", b"2")
    batch.put(Space.META, b"b", b"3")
    batch.delete(Space.META, b"b")
    store.commit(batch, sync=True)
    assert len(batch) == 4
    assert dict(store.iterate(Space.META)) == {b"a": b"2"}


def test_a_range_is_deleted_without_its_end(store):
    batch = WriteBatch()
    for height in range(10):
        batch.put(Space.FINALIZED, keys.height_key(height), b"digest")
    store.commit(batch)
    batch = WriteBatch()
    batch.delete_range(Space.FINALIZED, keys.height_key(2), keys.height_key(8))
    store.commit(batch)
    left = [keys.number_from_key(key) for key, _ in store.iterate(Space.FINALIZED)]
    assert left == [0, 1, 8, 9]


def test_iteration_follows_the_order_of_numbers(store):
    heights = [0, 1, 255, 256, 65_535, 65_536, 2**40]
    for height in reversed(heights):
        store.put(Space.FINALIZED, keys.height_key(height), b"")
    found = [keys.number_from_key(key) for key, _ in store.iterate(Space.FINALIZED)]
    assert found == heights
    backwards = store.iterate(Space.FINALIZED, reverse=True)
    assert [keys.number_from_key(key) for key, _ in backwards] == heights[::-1]


def test_a_prefix_selects_one_chain(store):
    for chain_id in (1, 2, 2**64 - 1):
        for number in (5, 6):
            store.put(Space.HEADERS, keys.chain_block_key(chain_id, number), b"%d" % number)
    for chain_id in (1, 2, 2**64 - 1):
        prefix = keys.chain_prefix(chain_id)
        assert [value for _, value in store.iterate(Space.HEADERS, prefix)] == [b"5", b"6"]
        assert store.first(Space.HEADERS, prefix) == (keys.chain_block_key(chain_id, 5), b"5")
        assert store.last(Space.HEADERS, prefix) == (keys.chain_block_key(chain_id, 6), b"6")


def test_a_start_is_inclusive_in_both_directions(store):
    for height in range(5):
        store.put(Space.FINALIZED, keys.height_key(height), b"")

    def heights(reverse: bool) -> list[int]:
        found = store.iterate(Space.FINALIZED, start=keys.height_key(2), reverse=reverse)
        return [keys.number_from_key(key) for key, _ in found]

    assert heights(reverse=False) == [2, 3, 4]
    assert heights(reverse=True) == [2, 1, 0]


def test_many_keys_are_read_at_once_in_their_order(store):
    store.put(Space.ACCOUNTS, b"a", b"1")
    store.put(Space.ACCOUNTS, b"c", b"3")
    assert store.get_many(Space.ACCOUNTS, [b"c", b"b", b"a"]) == [b"3", None, b"1"]
    assert store.get_many(Space.ACCOUNTS, []) == []


def test_an_iteration_sees_the_store_as_it_was(store):
    store.put(Space.META, b"a", b"1")
    iteration = store.iterate(Space.META)
    store.put(Space.META, b"b", b"2")
    assert list(iteration) == [(b"a", b"1")]


def test_two_openers_are_one_too_many(tmp_path):
    with Store(tmp_path), pytest.raises(StorageLockedError):
        Store(tmp_path)
    Store(tmp_path).close()


def test_using_a_closed_store_is_rejected(tmp_path):
    store = Store(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StorageClosedError):
        store.get(Space.META, b"x")
    with pytest.raises(StorageClosedError):
        store.put(Space.META, b"x", b"y")


def test_a_directory_that_is_no_database_is_a_typed_error(tmp_path):
    (tmp_path / "rocksdb").write_text("not a directory")
    with pytest.raises(StorageFailedError):
        Store(tmp_path)


CHILD = """
import sys
from pathlib import Path
from storage.store import Space, Store, WriteBatch

store = Store(Path(sys.argv[1]))
for number in range(10**9):
    batch = WriteBatch()
    for space in (Space.BLOCKS, Space.RECEIPTS, Space.META):
        batch.put(space, b"key", b"%d" % number)
    store.commit(batch)
    print(number, flush=True)
"""


def test_a_killed_process_leaves_whole_batches(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(200):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    acknowledged = [200, *map(int, process.stdout.read().split("\n")[:-1])]
    process.wait()
    process.stdout.close()
    with Store(tmp_path) as store:
        values = {store.get(space, b"key") for space in (Space.BLOCKS, Space.RECEIPTS, Space.META)}
    assert len(values) == 1
    assert int(values.pop()) >= acknowledged[-1] - 1


def test_a_full_disk_is_a_typed_error_and_loses_nothing(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = Store(tmp_path)
    store.put(Space.META, b"kept", b"value", sync=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StorageFailedError):
            store.put(Space.BLOCKS, b"too long", bytes(200_000), sync=True)
        with pytest.raises(StorageFailedError):
            store.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with Store(tmp_path) as store:
        assert store.get(Space.META, b"kept") == b"value"
        assert store.get(Space.BLOCKS, b"too long") is None
        store.put(Space.BLOCKS, b"too long", bytes(200_000))


@given(st.binary(max_size=4), st.binary(max_size=6))
def test_the_prefix_end_is_the_first_key_after_the_prefix(prefix, key):
    end = keys.prefix_end(prefix)
    is_inside = key >= prefix and (end is None or key < end)
    assert is_inside == key.startswith(prefix)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_keys_order_as_their_numbers(left, right):
    assert (keys.height_key(left) < keys.height_key(right)) == (left < right)
    assert keys.number_from_key(keys.height_key(left)) == left


def test_certificates_order_by_epoch_view_and_kind():
    kinds = list(keys.CertificateKind)
    rounds = [(0, 9), (1, 0), (1, 255), (1, 256)]
    ordered = [keys.certificate_key(*at, kind) for at in rounds for kind in kinds]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize("size", [31, 33])
def test_a_digest_of_the_wrong_length_is_rejected(size):
    for make in (keys.block_key, keys.transaction_key, lambda value: keys.code_key(1, value)):
        with pytest.raises(ValueError, match="32 bytes"):
            make(bytes(size))


def test_addresses_and_slots_have_their_lengths():
    address, slot = bytes(20), bytes(32)
    assert keys.slot_key(1, address, slot).startswith(keys.slot_prefix(1, address))
    assert keys.account_key(1, address) == keys.slot_prefix(1, address)
    with pytest.raises(ValueError, match="20 bytes"):
        keys.account_key(1, bytes(19))


def test_a_checkpoint_is_a_store_as_it_was(tmp_path):
    with Store(tmp_path / "store") as store:
        store.put(Space.META, b"key", b"then")
        store.checkpoint(tmp_path / "copies" / "first")
        store.put(Space.META, b"key", b"now")
        with Store(tmp_path / "copies" / "first", is_read_only=True) as copy:
            assert copy.get(Space.META, b"key") == b"then"
        assert store.get(Space.META, b"key") == b"now"


def test_a_checkpoint_is_complete_or_absent(tmp_path):
    with Store(tmp_path / "store") as store:
        store.put(Space.META, b"key", b"value")
        (tmp_path / "copy.part" / "rocksdb").mkdir(parents=True)
        store.checkpoint(tmp_path / "copy")
        assert not (tmp_path / "copy.part").exists()
        with pytest.raises(StorageFailedError):
            store.checkpoint(tmp_path / "copy")
