# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Rounds, their caps, and how the caps tighten
@license Apache-2.0
@notice A round locks its whole payout cap and 1 % of its mint cap's value while it is open. The sum of
        what all open rounds may still bring is limited (`max_total_exposure_wei`), and is one half of
        the loss bound (`remaining_exposure_wei`).

        Tightening. When the ledger has reason to distrust the fast chain, it halves all caps, once for
        each alarm (`set_cap_halvings`, by a system transaction). What open rounds have left is halved
        for good: relaxing later gives nothing back to them, or a chain that lies could wait for it, and
        what is lost would not be bounded by the bound of the moment at which it began to lie. A round
        that opens meanwhile gets its caps divided by 2 ** `cap_halvings`, and so is the limit of the sum.

        No list of rounds is walked: the sum is halved at once, and each round takes its halvings when it
        is next touched (`_settle`). Half a trophy is none, and half a wei is nothing: a round gets no
        more than its share of the sum. So the sum is never too low, and too high by less than one
        trophy and one wei for each round that is still to settle, and by less than one wei for each
        round that was ever open at a time.

        The deposit behind a payout cap that was halved goes back to the round's owner when the round
        settles. Stakes of players are no part of any cap.
"""

import credits
import predeploy_addresses as predeploys

uses: credits


# @dev Longest time that a round may stay open, in seconds.
MAX_ROUND_SECONDS: constant(uint256) = 30 * 24 * 60 * 60

# @dev A round's bond is its mint exposure divided by this.
BOND_DIVISOR: constant(uint256) = 100


struct Round:
    owner: address
    game_on_fast: address
    trophy: address
    deadline_seconds: uint256
    unit_value_wei: uint256
    remaining_mints: uint256
    remaining_value_wei: uint256
    bond_wei: uint256
    surplus_mints: uint256
    surplus_value_wei: uint256
    session_count: uint256
    is_open: bool


event RoundOpened:
    round_id: indexed(uint256)
    trophy: indexed(address)
    game_on_fast: indexed(address)
    max_mints: uint256
    unit_value_wei: uint256
    max_value_wei: uint256
    deadline_seconds: uint256


event RoundClosed:
    round_id: indexed(uint256)


event RoundTightened:
    round_id: indexed(uint256)
    remaining_mints: uint256
    remaining_value_wei: uint256


event CapsTightened:
    cap_halvings: uint256
    remaining_exposure_wei: uint256


event CapsRelaxed:
    cap_halvings: uint256


# @dev Limit of `remaining_exposure_wei` while nothing is tightened. Set in genesis.
max_total_exposure_wei: public(uint256)

# @dev How often the caps of a round that opens now are halved.
cap_halvings: public(uint256)

# @dev Id of the newest round; the first is 1.
round_count: public(uint256)

# @dev Sum, over open rounds, of remaining mints times unit value plus remaining value, in wei.
_total_exposure_wei: uint256

# @dev How many halvings there ever were.
_halvings_ever: uint256

# @dev Round id to the round as it was when it last settled.
_rounds: HashMap[uint256, Round]

# @dev Round id to `_halvings_ever` when the round last settled.
_halvings_taken: HashMap[uint256, uint256]


@external
def set_cap_halvings(cap_halvings: uint256):
    """
    @dev Tightens or relaxes the caps. Only by a system transaction.
    @param cap_halvings How often the caps of new rounds are halved from now on. Where that is more
           often than before, what open rounds have left is halved as many times more.
    """
    assert msg.sender == predeploys.SYSTEM, "round guard: caller is not the system"
    previous: uint256 = self.cap_halvings
    self.cap_halvings = cap_halvings
    if cap_halvings > previous:
        more: uint256 = cap_halvings - previous
        self._halvings_ever += more
        self._total_exposure_wei = self._total_exposure_wei >> more
        log CapsTightened(
            cap_halvings=cap_halvings, remaining_exposure_wei=self._total_exposure_wei
        )
    else:
        log CapsRelaxed(cap_halvings=cap_halvings)


@external
def close_round(round_id: uint256):
    """
    @dev Closes a round, frees its remaining exposure, and credits deposit and bond to its owner.
    @notice By anyone after the deadline. Before it by the owner only, and only while no player has
            entered and no value is left to be won, so that closing takes nothing from a player but
            trophies.
    @param round_id The round.
    """
    assert self._rounds[round_id].is_open, "round guard: the round is not open"
    self._settle(round_id)
    is_past_deadline: bool = block.timestamp > self._rounds[round_id].deadline_seconds
    if not is_past_deadline:
        is_owner: bool = msg.sender == self._rounds[round_id].owner
        has_nothing_to_win: bool = (
            self._rounds[round_id].remaining_value_wei == 0
            and self._rounds[round_id].session_count == 0
        )
        assert is_owner, "round guard: only the owner closes before the deadline"
        assert has_nothing_to_win, "round guard: players wait for the deadline"

    unspent_wei: uint256 = self._rounds[round_id].remaining_value_wei
    mint_exposure_wei: uint256 = (
        self._rounds[round_id].remaining_mints * self._rounds[round_id].unit_value_wei
    )
    self._total_exposure_wei -= mint_exposure_wei + unspent_wei
    self._rounds[round_id].remaining_mints = 0
    self._rounds[round_id].remaining_value_wei = 0
    self._rounds[round_id].is_open = False
    refund_wei: uint256 = unspent_wei + self._rounds[round_id].bond_wei
    credits.credit_wei[self._rounds[round_id].owner] += refund_wei
    log RoundClosed(round_id=round_id)


@external
@view
def rounds(round_id: uint256) -> Round:
    """
    @dev Returns a round with what is left of its caps, all halvings taken.
    @param round_id The round.
    """
    return self._current(round_id)


@external
@view
def remaining(round_id: uint256) -> uint256:
    """
    @dev Returns how many trophies a round may still mint; 0 when it is closed or past its deadline.
    """
    return self._current(round_id).remaining_mints if self._is_running(round_id) else 0


@external
@view
def remaining_exposure_wei() -> uint256:
    """
    @dev Returns, over all rounds that are not closed, the sum of remaining mints times unit value
         plus remaining value, in wei, or a little more (see above). Rounds past their deadline count
         until they are closed.
    """
    return self._total_exposure_wei


@external
@view
def required_deposit_wei(
    max_mints: uint256, unit_value_wei: uint256, max_value_wei: uint256
) -> uint256:
    """
    @dev Returns the value that `open_round` takes: the payout cap and the bond, in wei. It changes
         when the caps tighten or relax.
    """
    mints: uint256 = max_mints >> self.cap_halvings
    return (max_value_wei >> self.cap_halvings) + mints * unit_value_wei // BOND_DIVISOR


@internal
def _open(
    owner: address,
    deposit_wei: uint256,
    game_on_fast: address,
    trophy: address,
    max_mints: uint256,
    unit_value_wei: uint256,
    max_value_wei: uint256,
    deadline_seconds: uint256,
) -> uint256:
    """
    @dev Opens a round with its caps as tight as they are now.
    @return uint256 The round's id.
    """
    is_deadline_allowed: bool = (
        block.timestamp < deadline_seconds
        and deadline_seconds <= block.timestamp + MAX_ROUND_SECONDS
    )
    is_mint_valued: bool = max_mints == 0 or unit_value_wei > 0
    assert game_on_fast != empty(address), "round guard: no game on the fast chain"
    assert is_deadline_allowed, "round guard: deadline passed or too far away"
    assert is_mint_valued, "round guard: a trophy must have a value"

    # EXPOSURE
    mints: uint256 = max_mints >> self.cap_halvings
    value_wei: uint256 = max_value_wei >> self.cap_halvings
    mint_exposure_wei: uint256 = mints * unit_value_wei
    bond_wei: uint256 = mint_exposure_wei // BOND_DIVISOR
    total_wei: uint256 = self._total_exposure_wei + mint_exposure_wei + value_wei
    limit_wei: uint256 = self.max_total_exposure_wei >> self.cap_halvings
    assert total_wei <= limit_wei, "round guard: total exposure above its limit"
    assert deposit_wei == value_wei + bond_wei, "round guard: wrong deposit"
    self._total_exposure_wei = total_wei

    # ROUND
    round_id: uint256 = self.round_count + 1
    self.round_count = round_id
    self._halvings_taken[round_id] = self._halvings_ever
    self._rounds[round_id] = Round(
        owner=owner,
        game_on_fast=game_on_fast,
        trophy=trophy,
        deadline_seconds=deadline_seconds,
        unit_value_wei=unit_value_wei,
        remaining_mints=mints,
        remaining_value_wei=value_wei,
        bond_wei=bond_wei,
        surplus_mints=0,
        surplus_value_wei=0,
        session_count=0,
        is_open=True,
    )
    log RoundOpened(
        round_id=round_id,
        trophy=trophy,
        game_on_fast=game_on_fast,
        max_mints=mints,
        unit_value_wei=unit_value_wei,
        max_value_wei=value_wei,
        deadline_seconds=deadline_seconds,
    )
    return round_id


@internal
def _take_mints(round_id: uint256, asked: uint256) -> uint256:
    """
    @dev Spends a round's mint cap as far as it goes.
    @return uint256 The number of trophies that are granted.
    """
    self._settle(round_id)
    granted: uint256 = 0
    if self._is_running(round_id):
        granted = min(asked, self._rounds[round_id].remaining_mints)
    if granted > 0:
        self._rounds[round_id].remaining_mints -= granted
        self._total_exposure_wei -= granted * self._rounds[round_id].unit_value_wei
    if granted < asked:
        self._rounds[round_id].surplus_mints += asked - granted
    return granted


@internal
def _available_wei(round_id: uint256) -> uint256:
    """
    @dev Settles a round, and returns what it may still pay out.
    """
    self._settle(round_id)
    return self._rounds[round_id].remaining_value_wei if self._is_running(round_id) else 0


@internal
def _take_value(round_id: uint256, asked_wei: uint256, granted_wei: uint256):
    """
    @dev Spends a round's payout cap: `granted_wei`, of at most `_available_wei`.
    """
    if granted_wei > 0:
        self._rounds[round_id].remaining_value_wei -= granted_wei
        self._total_exposure_wei -= granted_wei
    if granted_wei < asked_wei:
        surplus_wei: uint256 = self._rounds[round_id].surplus_value_wei
        headroom_wei: uint256 = max_value(uint256) - surplus_wei
        self._rounds[round_id].surplus_value_wei = surplus_wei + min(
            asked_wei - granted_wei, headroom_wei
        )


@internal
def _settle(round_id: uint256):
    """
    @dev Has an open round take the halvings since it last settled.
    """
    has_settled: bool = self._halvings_taken[round_id] == self._halvings_ever
    if has_settled or not self._rounds[round_id].is_open:
        return
    halvings: uint256 = self._halvings_ever - self._halvings_taken[round_id]
    self._halvings_taken[round_id] = self._halvings_ever

    unit_wei: uint256 = self._rounds[round_id].unit_value_wei
    mints: uint256 = self._rounds[round_id].remaining_mints
    value_wei: uint256 = self._rounds[round_id].remaining_value_wei
    kept_mints: uint256 = mints >> halvings
    kept_wei: uint256 = value_wei >> halvings
    self._rounds[round_id].remaining_mints = kept_mints
    self._rounds[round_id].remaining_value_wei = kept_wei
    # What was added up when the round opened cannot overflow now.
    share_wei: uint256 = (mints * unit_wei + value_wei) >> halvings
    self._total_exposure_wei -= share_wei - (kept_mints * unit_wei + kept_wei)
    credits.credit_wei[self._rounds[round_id].owner] += value_wei - kept_wei
    log RoundTightened(
        round_id=round_id, remaining_mints=kept_mints, remaining_value_wei=kept_wei
    )


@internal
@view
def _current(round_id: uint256) -> Round:
    """
    @dev Returns a round as it will be when it settles.
    """
    current: Round = self._rounds[round_id]
    halvings: uint256 = self._halvings_ever - self._halvings_taken[round_id]
    current.remaining_mints = current.remaining_mints >> halvings
    current.remaining_value_wei = current.remaining_value_wei >> halvings
    return current


@internal
@view
def _is_running(round_id: uint256) -> bool:
    """
    @dev Returns whether a round is open and its deadline has not passed.
    """
    is_in_time: bool = block.timestamp <= self._rounds[round_id].deadline_seconds
    return is_in_time and self._rounds[round_id].is_open
