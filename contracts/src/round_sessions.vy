# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Sessions: stakes of players, which no fast chain can touch
@license Apache-2.0
@notice A player may enter a round with a stake that stays here; after the deadline `leave` gives it
        back, whatever the fast chain does or says, and whoever holds the player's session key there.
        A stake is no part of any cap: tightening leaves it alone.
"""

import round_caps

uses: round_caps


struct Session:
    is_entered: bool
    stake_wei: uint256


event Entered:
    round_id: indexed(uint256)
    player: indexed(address)
    stake_wei: uint256


event Left:
    round_id: indexed(uint256)
    player: indexed(address)
    stake_wei: uint256


# @dev Round id and player to the player's session.
sessions: public(HashMap[uint256, HashMap[address, Session]])


@external
@payable
def enter(round_id: uint256):
    """
    @dev Registers the caller's session in a running round, with the value as stake.
    @param round_id The round.
    """
    assert round_caps._is_running(round_id), "round guard: the round is not running"
    assert not self.sessions[round_id][msg.sender].is_entered, "round guard: already entered"
    self.sessions[round_id][msg.sender] = Session(is_entered=True, stake_wei=msg.value)
    round_caps._rounds[round_id].session_count += 1
    log Entered(round_id=round_id, player=msg.sender, stake_wei=msg.value)


@external
def leave(round_id: uint256):
    """
    @dev Ends the caller's session after the deadline and pays the stake back. Needs nobody else:
         no report, no close, no fast chain, and works in a quarantine.
    @param round_id The round.
    """
    assert self.sessions[round_id][msg.sender].is_entered, "round guard: not entered"
    is_past_deadline: bool = block.timestamp > round_caps._rounds[round_id].deadline_seconds
    assert is_past_deadline, "round guard: the deadline has not passed"
    stake_wei: uint256 = self.sessions[round_id][msg.sender].stake_wei
    self.sessions[round_id][msg.sender] = empty(Session)
    log Left(round_id=round_id, player=msg.sender, stake_wei=stake_wei)
    if stake_wei > 0:
        raw_call(msg.sender, b"", value=stake_wei)
