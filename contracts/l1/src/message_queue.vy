# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title The queue of messages from L1 to the ZK chain
@license Apache-2.0
@notice Each entry is a message of the ledger whose source chain is L1. The hash after n entries is
        h(0) = 0, h(n + 1) = keccak256(h(n) || keccak256(leaf(n))), with the leaf of `bridge/outbox.py`:
        the same chain as `deposits` of a batch's statement. So a batch binds exactly the entries that
        it delivered, in order, and none can be skipped or invented.
"""

import message_leaf as leaves


# @dev Largest gas limit of an entry: the bound of the ZK chain's Portal.
MAX_GAS_LIMIT: constant(uint256) = 2_000_000

# @dev The queue never gets longer: it is a bound for the binary search.
MAX_SEARCH_STEPS: constant(uint256) = 64


event Enqueued:
    nonce: indexed(uint256)
    sender: indexed(address)
    target: indexed(address)
    value_wei: uint256
    gas_limit: uint256
    data: Bytes[leaves.MAX_DATA_BYTES]


# @dev How many entries there are.
queue_length: public(uint256)

# @dev Number of entries to the hash of the chain after them.
_hash_after: HashMap[uint256, bytes32]

# @dev Nonce of an entry to the timestamp of the block that it was enqueued in.
_enqueued_at: HashMap[uint256, uint256]


@external
@view
def queue_hash(count: uint256) -> bytes32:
    """
    @dev Returns the hash of the chain over the first `count` entries; reverts if there are fewer.
    @param count The number of entries, from 0.
    @return bytes32 The hash; zero for no entries.
    """
    return self._queue_hash(count)


@external
@view
def enqueued_at(nonce: uint256) -> uint256:
    """
    @dev Returns when an entry was enqueued; reverts if there is none.
    @param nonce The nonce of the entry.
    @return uint256 The timestamp in seconds.
    """
    assert nonce < self.queue_length, "queue: no such entry"
    return self._enqueued_at[nonce]


@internal
@view
def _queue_hash(count: uint256) -> bytes32:
    """
    @dev Returns the hash of the chain over the first `count` entries; reverts if there are fewer.
    """
    assert count <= self.queue_length, "queue: fewer entries"
    return self._hash_after[count]


@internal
def _enqueue(
    sender: address,
    target: address,
    value_wei: uint256,
    gas_limit: uint256,
    data: Bytes[leaves.MAX_DATA_BYTES],
) -> uint256:
    """
    @dev Appends an entry.
    @return uint256 Its nonce.
    """
    nonce: uint256 = self.queue_length
    leaf: bytes32 = leaves._leaf_hash(nonce, sender, target, value_wei, gas_limit, data)
    self._hash_after[nonce + 1] = keccak256(concat(self._hash_after[nonce], leaf))
    self._enqueued_at[nonce] = block.timestamp
    self.queue_length = nonce + 1
    log Enqueued(
        nonce=nonce,
        sender=sender,
        target=target,
        value_wei=value_wei,
        gas_limit=gas_limit,
        data=data,
    )
    return nonce


@internal
@view
def _count_older(first: uint256, cutoff: uint256) -> uint256:
    """
    @dev Returns the number of entries, counted from the queue's beginning, up to the last one that
         was enqueued at `cutoff` or before. Binary search: nobody can make it dear by many entries.
    @param first Entries before this nonce need not be looked at; it is returned if no later one
           is that old.
    @param cutoff The timestamp in seconds.
    """
    low: uint256 = first
    high: uint256 = self.queue_length
    for step: uint256 in range(MAX_SEARCH_STEPS):
        if low >= high:
            break
        middle: uint256 = (low + high) // 2
        if self._enqueued_at[middle] <= cutoff:
            low = middle + 1
        else:
            high = middle
    return low
