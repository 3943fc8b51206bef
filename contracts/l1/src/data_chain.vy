# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Data of the ZK chain's blocks, posted as calldata
@license Apache-2.0
@notice Blocks are hashed to a chain, as `execution/block_data.py` does it: chain' =
        keccak256(chain || keccak256(block)), from zero. Anyone may post; chains form a tree, and a
        batch names the chain that ends in its last block. Whoever follows L1 finds the blocks in the
        calldata of the transactions whose `DataPosted` lead to that chain.
"""

# @dev Longest data of one call, in bytes: nodes take transactions of 128 KiB (131,072 bytes) at most.
MAX_DATA_BYTES: constant(uint256) = 126_976

# @dev Most blocks of one call.
MAX_BLOCKS: constant(uint256) = 1024


event DataPosted:
    before: bytes32
    after: indexed(bytes32)


# @dev Hash of a chain to the timestamp, in seconds, when it was first posted; zero for never.
posted_at: public(HashMap[bytes32, uint256])


@external
def post_data(
    before: bytes32, lengths: DynArray[uint256, MAX_BLOCKS], blocks: Bytes[MAX_DATA_BYTES]
) -> bytes32:
    """
    @dev Posts the data of consecutive blocks. By anyone, at any time; posting again changes nothing.
    @notice The data is one byte string and not an array of them, which would be copied to memory with
            room for the longest of each.
    @param before The chain that these blocks continue: zero, or the end of an earlier post.
    @param lengths How many bytes of `blocks` each block has, in order; all together are all of them.
    @param blocks The data of all blocks, one after the other, each as
           `execution.block_data.encode_block_data` makes it.
    @return bytes32 The chain after them.
    """
    is_known: bool = before == empty(bytes32) or self.posted_at[before] != 0
    assert is_known, "data: the chain before was not posted"
    assert len(lengths) > 0, "data: no block"
    after: bytes32 = before
    start: uint256 = 0
    for length: uint256 in lengths:
        is_inside: bool = 0 < length and length <= len(blocks) - start
        assert is_inside, "data: a length does not fit"
        after = keccak256(concat(after, keccak256(slice(blocks, start, length))))
        start += length
    assert start == len(blocks), "data: bytes without a block"

    if self.posted_at[after] == 0:
        self.posted_at[after] = block.timestamp
    log DataPosted(before=before, after=after)
    return after
