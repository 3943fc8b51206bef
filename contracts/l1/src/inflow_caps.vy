# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Caps on what the ZK chain takes from the fast chain
@license Apache-2.0
@notice The fast chain's execution is not proved. What came from it is in each batch's statement, and
        here it is bounded a second time, independently of the ZK chain's own contracts: value by a
        token bucket per asset, trophies by a total per game round. A batch above a cap cannot become
        final.

@custom:security A refused batch can be tried again when the bucket has refilled. One whose inflow
        alone is above the capacity never becomes final: the owner must raise the cap (through the
        timelock), or batches must be cut smaller; if neither happens, the queue's escape deadline
        passes. Choose a capacity well above the largest inflow of one batch, a refill that covers
        honest use, and a mint cap not below the largest `max_mints` of any round. An asset without
        a bucket has capacity 0.
"""

# @dev Bound of capacity and refill, so that no product overflows.
MAX_CAP: constant(uint256) = 2**128 - 1


# @dev A token bucket: `level` at `updated_at`, growing since then up to `capacity`.
struct Bucket:
    capacity: uint256
    refill_per_second: uint256
    level: uint256
    updated_at: uint256


event InflowCapChanged:
    asset: indexed(address)
    capacity: uint256
    refill_per_second: uint256


event MintCapChanged:
    mints_per_round: uint256


# @dev Asset (zero for ETH) to its bucket, in the asset's smallest unit.
buckets: public(HashMap[address, Bucket])

# @dev How many trophies one game round may be granted in all.
mint_cap_per_round: public(uint256)

# @dev Game round to the trophies that it was granted in final batches.
minted_in_round: public(HashMap[uint256, uint256])


@external
@view
def available_inflow(asset: address) -> uint256:
    """
    @dev Returns how much of an asset a batch that becomes final now may bring from the fast chain.
    @param asset The asset; zero for ETH.
    @return uint256 The amount in the asset's smallest unit.
    """
    return self._available(asset)


@internal
def _set_inflow_cap(asset: address, capacity: uint256, refill_per_second: uint256):
    """
    @dev Sets a bucket. A new one is full; one that exists keeps its level, up to its new capacity.
    """
    assert max(capacity, refill_per_second) <= MAX_CAP, "caps: above 2**128 - 1"
    is_new: bool = self.buckets[asset].updated_at == 0
    level: uint256 = capacity if is_new else min(self._available(asset), capacity)
    self.buckets[asset] = Bucket(
        capacity=capacity,
        refill_per_second=refill_per_second,
        level=level,
        updated_at=block.timestamp,
    )
    log InflowCapChanged(asset=asset, capacity=capacity, refill_per_second=refill_per_second)


@internal
def _set_mint_cap(mints_per_round: uint256):
    """
    @dev Sets the cap of every round's trophies.
    """
    self.mint_cap_per_round = mints_per_round
    log MintCapChanged(mints_per_round=mints_per_round)


@internal
def _take_inflow(asset: address, amount: uint256):
    """
    @dev Takes an amount out of a bucket; reverts if there is less in it.
    """
    available: uint256 = self._available(asset)
    assert amount <= available, "caps: inflow over the cap"
    self.buckets[asset].level = available - amount
    self.buckets[asset].updated_at = block.timestamp


@internal
def _take_mints(round_id: uint256, mints: uint256):
    """
    @dev Counts trophies of a round; reverts if they are more than the cap leaves.
    """
    minted: uint256 = self.minted_in_round[round_id]
    has_room: bool = minted <= self.mint_cap_per_round and mints <= self.mint_cap_per_round - minted
    assert has_room, "caps: mints over the cap"
    self.minted_in_round[round_id] = minted + mints


@internal
@view
def _available(asset: address) -> uint256:
    """
    @dev Returns the level of a bucket now.
    """
    bucket: Bucket = self.buckets[asset]
    elapsed_seconds: uint256 = min(block.timestamp - bucket.updated_at, MAX_CAP)
    return min(bucket.capacity, bucket.level + elapsed_seconds * bucket.refill_per_second)
