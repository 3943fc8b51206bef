import pytest

from execution.block_data import block_data_hash
from execution.types import ZERO_HASH, Hash32
from settlement.errors import BlockTooLarge
from settlement.pipeline.chunks import MAX_BLOCK_BYTES, MAX_CHUNK_BYTES, cut_chunks
from settlement.rollup import post_data_call

BEFORE = Hash32(b"\x05" * 32)


@pytest.mark.parametrize("sizes", [[10], [50_000] * 7, [1] * 3000, [124_000, 3, 124_000], [0, 7]])
def test_chunks_follow_each_other_and_fit_a_transaction(sizes: list[int]) -> None:
    blocks = [bytes([index % 251]) * size for index, size in enumerate(sizes)]
    chunks = cut_chunks(5, blocks, BEFORE)
    assert [encoded for chunk in chunks for encoded in chunk.blocks] == blocks
    number, chain = 5, BEFORE
    for chunk in chunks:
        assert (chunk.first_block, chunk.before) == (number, chain)
        number, chain = number + len(chunk.blocks), chunk.after
        size = len(post_data_call(chunk.before, chunk.blocks))
        assert size <= MAX_CHUNK_BYTES or len(chunk.blocks) == 1
        assert size < 128 * 1024 - 512
    assert chain == block_data_hash(BEFORE, blocks)


def test_as_much_as_fits_goes_into_a_chunk() -> None:
    assert len(cut_chunks(1, [bytes(29_800)] * 4, ZERO_HASH)) == 1
    assert len(cut_chunks(1, [bytes(30_000)] * 4, ZERO_HASH)) == 2


def test_a_block_that_fits_no_transaction_is_refused() -> None:
    with pytest.raises(BlockTooLarge, match="block 6 has 124001 bytes"):
        cut_chunks(5, [b"", bytes(MAX_BLOCK_BYTES + 1)], ZERO_HASH)
