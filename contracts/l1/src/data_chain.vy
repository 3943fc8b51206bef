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

# @dev Longest data of one block, in bytes: a transaction's calldata has 128 KiB at most.
MAX_BLOCK_DATA_BYTES: constant(uint256) = 124_000

# @dev Most blocks of one call.
MAX_BLOCKS_PER_POST: constant(uint256) = 1024


event DataPosted:
    before: bytes32
    after: indexed(bytes32)


# @dev Hash of a chain to the timestamp, in seconds, when it was first posted; zero for never.
posted_at: public(HashMap[bytes32, uint256])


@external
def post_data(
    before: bytes32, blocks: DynArray[Bytes[MAX_BLOCK_DATA_BYTES], MAX_BLOCKS_PER_POST]
) -> bytes32:
    """
    @dev Posts the data of consecutive blocks. By anyone, at any time; posting again changes nothing.
    @param before The chain that these blocks continue: zero, or the end of an earlier post.
    @param blocks The data of each block, as `execution.block_data.encode_block_data` makes it.
    @return bytes32 The chain after them.
    """
    is_known: bool = before == empty(bytes32) or self.posted_at[before] != 0
    assert is_known, "data: the chain before was not posted"
    assert len(blocks) > 0, "data: no block"
    after: bytes32 = before
    for encoded: Bytes[MAX_BLOCK_DATA_BYTES] in blocks:
        after = keccak256(concat(after, keccak256(encoded)))
    if self.posted_at[after] == 0:
        self.posted_at[after] = block.timestamp
    log DataPosted(before=before, after=after)
    return after
