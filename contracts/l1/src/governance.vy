# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Who may change what, and how late
@license Apache-2.0
@notice The owner proposes a change, which anyone sees, and executes it no earlier than
        `timelock_seconds` later. That is longer than the escape deadline: whoever disagrees with a
        change can leave before it holds, also if the validators refuse them. A change that is not
        executed within another `timelock_seconds` lapses.

        The guardian may pause commits, proofs, finality and deposits for at most a day, and no
        more than once in five days. A pause stops no withdrawal, no forced transaction and no
        escape, and the escape clock runs on meanwhile.

        Nobody can change a final root, and nobody can touch what the Rollup holds.

@custom:security Owner and guardian should be multisignature wallets of different people.
"""

import inflow_caps as caps

uses: caps


interface IValidatorRegistry:
    def is_sealed() -> bool: view


# @dev What can be changed. The parameters of `propose` and `execute` mean:
#      VERIFIER, REGISTRY, OWNER, GUARDIAN: `target` is the new address;
#      INFLOW_CAP: `target` the asset, `first` the capacity, `second` the refill per second;
#      MINT_CAP: `first` the cap per round.
VERIFIER: constant(uint256) = 1
REGISTRY: constant(uint256) = 2
INFLOW_CAP: constant(uint256) = 3
MINT_CAP: constant(uint256) = 4
OWNER: constant(uint256) = 5
GUARDIAN: constant(uint256) = 6

# @dev Longest pause, and least time from the end of one to the beginning of the next.
MAX_PAUSE_SECONDS: public(constant(uint256)) = 86_400
PAUSE_REST_SECONDS: public(constant(uint256)) = 345_600


event ChangeProposed:
    change: indexed(bytes32)
    kind: indexed(uint256)
    target: indexed(address)
    first: uint256
    second: uint256
    executable_at: uint256


event ChangeCancelled:
    change: indexed(bytes32)


event ChangeExecuted:
    change: indexed(bytes32)
    kind: indexed(uint256)
    target: indexed(address)
    first: uint256
    second: uint256


event Paused:
    until: uint256


event Unpaused:
    pass


# @dev Who proposes and executes changes.
owner: public(address)

# @dev Who may pause.
guardian: public(address)

# @dev Knows the digests of proved statements: `isVerified(bytes32) -> bool`.
verifier: public(address)

# @dev Checks certificates of the ledger's validators.
registry: public(address)

# @dev How often verifier or registry changed. A batch that is not final by then has to be
# committed and proved anew.
generation: public(uint256)

# @dev Least time between proposal and execution.
timelock_seconds: public(immutable(uint256))

# @dev Proposed change to the timestamp from which it may be executed; zero for none.
executable_at: public(HashMap[bytes32, uint256])

# @dev Timestamp at which the last pause ends, or ended.
paused_until: public(uint256)


@deploy
def __init__(
    owner: address,
    guardian: address,
    verifier: address,
    registry: address,
    timelock: uint256,
):
    """
    @dev Sets the first holders of each part; see `Rollup.__init__`.
    """
    self._require_named(owner)
    self._require_named(verifier)
    self._require_named(registry)
    self.owner = owner
    self.guardian = guardian
    self.verifier = verifier
    self.registry = registry
    timelock_seconds = timelock


@external
def propose(kind: uint256, target: address, first: uint256, second: uint256) -> bytes32:
    """
    @dev Announces a change. Only by the owner.
    @param kind What to change: 1 verifier, 2 registry, 3 inflow cap, 4 mint cap, 5 owner, 6 guardian.
    @param target The new address, or the asset of an inflow cap; else zero.
    @param first The capacity of an inflow cap, or the mint cap; else zero.
    @param second The refill per second of an inflow cap; else zero.
    @return bytes32 The id of the change.
    """
    assert msg.sender == self.owner, "governance: caller is not the owner"
    assert kind >= VERIFIER and kind <= GUARDIAN, "governance: unknown kind"
    change: bytes32 = self._change_id(kind, target, first, second)
    assert not self._is_pending(change), "governance: already proposed"
    at: uint256 = block.timestamp + timelock_seconds
    self.executable_at[change] = at
    log ChangeProposed(
        change=change, kind=kind, target=target, first=first, second=second, executable_at=at
    )
    return change


@external
def cancel(change: bytes32):
    """
    @dev Takes a proposed change back. By the owner or the guardian.
    @param change The id of the change.
    """
    is_allowed: bool = msg.sender == self.owner or msg.sender == self.guardian
    assert is_allowed, "governance: caller is neither owner nor guardian"
    assert self.executable_at[change] != 0, "governance: not proposed"
    self.executable_at[change] = 0
    log ChangeCancelled(change=change)


@external
def execute(kind: uint256, target: address, first: uint256, second: uint256):
    """
    @dev Makes a proposed change. Only by the owner, between `timelock_seconds` and twice that after
         the proposal.
    @param kind As proposed.
    @param target As proposed.
    @param first As proposed.
    @param second As proposed.
    """
    assert msg.sender == self.owner, "governance: caller is not the owner"
    change: bytes32 = self._change_id(kind, target, first, second)
    at: uint256 = self.executable_at[change]
    assert at != 0, "governance: not proposed"
    assert block.timestamp >= at, "governance: the timelock runs"
    assert self._is_pending(change), "governance: the proposal has lapsed"
    self.executable_at[change] = 0

    if kind == VERIFIER:
        self._require_named(target)
        self.verifier = target
        self.generation += 1
    elif kind == REGISTRY:
        is_sealed: bool = staticcall IValidatorRegistry(target).is_sealed()
        assert is_sealed, "governance: the registry is not sealed"
        self.registry = target
        self.generation += 1
    elif kind == INFLOW_CAP:
        caps._set_inflow_cap(target, first, second)
    elif kind == MINT_CAP:
        caps._set_mint_cap(first)
    elif kind == OWNER:
        self._require_named(target)
        self.owner = target
    else:
        self.guardian = target
    log ChangeExecuted(change=change, kind=kind, target=target, first=first, second=second)


@external
def pause(seconds: uint256):
    """
    @dev Stops commits, proofs, finality and deposits for a while. Only by the guardian.
    @param seconds How long; at most a day.
    """
    assert msg.sender == self.guardian, "governance: caller is not the guardian"
    assert seconds <= MAX_PAUSE_SECONDS, "governance: pause longer than a day"
    has_rested: bool = (
        self.paused_until == 0 or block.timestamp >= self.paused_until + PAUSE_REST_SECONDS
    )
    assert has_rested, "governance: the last pause was less than four days ago"
    self.paused_until = block.timestamp + seconds
    log Paused(until=self.paused_until)


@external
def unpause():
    """
    @dev Ends a pause early. By the guardian or the owner.
    """
    is_allowed: bool = msg.sender == self.owner or msg.sender == self.guardian
    assert is_allowed, "governance: caller is neither owner nor guardian"
    assert self._is_paused(), "governance: not paused"
    self.paused_until = block.timestamp
    log Unpaused()


@external
@view
def is_paused() -> bool:
    """
    @dev Returns whether a pause runs.
    """
    return self._is_paused()


@internal
@view
def _is_paused() -> bool:
    """
    @dev Returns whether a pause runs.
    """
    return block.timestamp < self.paused_until


@internal
@view
def _is_pending(change: bytes32) -> bool:
    """
    @dev Returns whether a change is proposed and has not lapsed.
    """
    at: uint256 = self.executable_at[change]
    return at != 0 and block.timestamp <= at + timelock_seconds


@internal
@pure
def _change_id(kind: uint256, target: address, first: uint256, second: uint256) -> bytes32:
    """
    @dev Returns the id of a change.
    """
    return keccak256(abi_encode(kind, target, first, second))


@internal
@pure
def _require_named(target: address):
    """
    @dev Reverts for the zero address.
    """
    assert target != empty(address), "governance: zero address"
