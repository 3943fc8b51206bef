# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title RoundGuard: what a game on the fast chain may bring back, at most
@license Apache-2.0
@notice A game's owner opens a round with caps: how many trophies it may mint, how much value it may
        pay out, until when. Every report from the fast chain spends these caps, so that a fast
        chain that lies in everything takes at most what is left of the open rounds' caps. These
        rules run on the ZK chain, inside the validity proof.

        Loss bound = Portal.locked_wei() + RoundGuard.remaining_exposure_wei().

        The sum over all open rounds is limited too (`max_total_exposure_wei`). A round locks its
        whole payout cap and 1 % of its mint cap's value while it is open, so that nobody fills that
        sum for free.

        A report past a cap is not refused as a whole: what fits is granted, the surplus is counted
        and logged as `OverCap` or `OverValueCap`, which the quarantine rule reads.

        A granted trophy is never lost: where the message's gas does not suffice to mint it at
        once, or the trophy contract fails, it is noted in `pending_trophies`, and anyone may mint
        it with `claim_trophy`.

        Sessions. A player may enter a round with a stake that stays here; after the deadline
        `leave` gives it back, whatever the fast chain does or says.

@custom:security A trophy contract is the game owner's own code. It is called with bounded gas, its
        failure is caught, and a round's caps are spent before it is called.
"""

import predeploy_addresses as predeploys


interface IPortal:
    def message_sender() -> address: view
    def message_source_chain() -> uint256: view
    def remote_chain_id() -> uint256: view


interface ITrophy:
    def owner() -> address: view
    def minter() -> address: view
    def mint(receiver: address): nonpayable


# @dev Most recipients of one report or payout.
MAX_RECIPIENTS: constant(uint256) = 64

# @dev Longest time that a round may stay open, in seconds.
MAX_ROUND_SECONDS: constant(uint256) = 30 * 24 * 60 * 60

# @dev A round's bond is its mint exposure divided by this.
BOND_DIVISOR: constant(uint256) = 100

# @dev Gas that a trophy contract gets to mint one trophy.
MINT_GAS_LIMIT: constant(uint256) = 250_000

# @dev Gas that it takes to note one trophy as pending.
PENDING_GAS: constant(uint256) = 30_000

# @dev Gas that must be left when a report ends.
REPORT_RESERVE_GAS: constant(uint256) = 30_000


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


struct Session:
    is_entered: bool
    stake_wei: uint256


event GameRegistered:
    trophy: indexed(address)
    owner: indexed(address)


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


event Reported:
    round_id: indexed(uint256)
    asked: uint256
    granted: uint256


event OverCap:
    round_id: indexed(uint256)
    asked: uint256
    granted: uint256


event TrophyPending:
    round_id: indexed(uint256)
    receiver: indexed(address)


event PaidOut:
    round_id: indexed(uint256)
    asked_wei: uint256
    granted_wei: uint256


event OverValueCap:
    round_id: indexed(uint256)
    asked_wei: uint256
    granted_wei: uint256


event Entered:
    round_id: indexed(uint256)
    player: indexed(address)
    stake_wei: uint256


event Left:
    round_id: indexed(uint256)
    player: indexed(address)
    stake_wei: uint256


event Withdrawn:
    owner: indexed(address)
    receiver: indexed(address)
    value: uint256


# @dev Limit of `total_exposure_wei`. Set in genesis.
max_total_exposure_wei: public(uint256)

# @dev Sum, over open rounds, of remaining mints times unit value plus remaining value, in wei.
total_exposure_wei: uint256

# @dev Trophy contract to the owner of the game that gives it.
game_owner: public(HashMap[address, address])

# @dev Id of the newest round; the first is 1.
round_count: public(uint256)

# @dev Round id to the round.
rounds: public(HashMap[uint256, Round])

# @dev Round id and receiver to the number of granted trophies that are not minted yet.
pending_trophies: public(HashMap[uint256, HashMap[address, uint256]])

# @dev Round id and player to the player's session.
sessions: public(HashMap[uint256, HashMap[address, Session]])

# @dev Wei that an address may withdraw: payouts to players, leftovers and bonds to owners.
credit_wei: public(HashMap[address, uint256])


@external
def register_game(trophy: address):
    """
    @dev Registers the caller as owner of the game that gives `trophy`.
    @notice Only the owner of the trophy contract may do so, and it must name this contract as its
            minter. After the trophy changes hands, its new owner can register over the old one;
            rounds that are open stay with who opened them.
    @param trophy The 20-byte address of the trophy contract.
    """
    is_trophy_owner: bool = staticcall ITrophy(trophy).owner() == msg.sender
    is_minter_here: bool = staticcall ITrophy(trophy).minter() == self
    assert is_trophy_owner, "round guard: caller does not own the trophy"
    assert is_minter_here, "round guard: the trophy has another minter"
    self.game_owner[trophy] = msg.sender
    log GameRegistered(trophy=trophy, owner=msg.sender)


@external
@payable
def open_round(
    game_on_fast: address,
    trophy: address,
    max_mints: uint256,
    unit_value_wei: uint256,
    max_value_wei: uint256,
    deadline_seconds: uint256,
) -> uint256:
    """
    @dev Opens a round, against a deposit of exactly `required_deposit_wei`.
    @param game_on_fast The 20-byte address of the only contract on the fast chain that may report.
    @param trophy The trophy contract; the caller must be its registered game owner.
    @param max_mints The number of trophies that the round may mint.
    @param unit_value_wei What one trophy is worth in the loss bound; positive if any may be minted.
    @param max_value_wei The wei that the round may pay out.
    @param deadline_seconds The Unix time after which nothing is granted; at most 30 days away.
    @return uint256 The round's id.
    """
    # GUARDS
    is_game_owner: bool = self.game_owner[trophy] == msg.sender
    is_deadline_allowed: bool = (
        block.timestamp < deadline_seconds
        and deadline_seconds <= block.timestamp + MAX_ROUND_SECONDS
    )
    is_mint_valued: bool = max_mints == 0 or unit_value_wei > 0
    assert is_game_owner, "round guard: caller does not own the game"
    assert game_on_fast != empty(address), "round guard: no game on the fast chain"
    assert is_deadline_allowed, "round guard: deadline passed or too far away"
    assert is_mint_valued, "round guard: a trophy must have a value"

    # EXPOSURE
    mint_exposure_wei: uint256 = max_mints * unit_value_wei
    exposure_wei: uint256 = mint_exposure_wei + max_value_wei
    bond_wei: uint256 = mint_exposure_wei // BOND_DIVISOR
    total_wei: uint256 = self.total_exposure_wei + exposure_wei
    assert total_wei <= self.max_total_exposure_wei, "round guard: total exposure above its limit"
    assert msg.value == max_value_wei + bond_wei, "round guard: wrong deposit"
    self.total_exposure_wei = total_wei

    # ROUND
    round_id: uint256 = self.round_count + 1
    self.round_count = round_id
    self.rounds[round_id] = Round(
        owner=msg.sender,
        game_on_fast=game_on_fast,
        trophy=trophy,
        deadline_seconds=deadline_seconds,
        unit_value_wei=unit_value_wei,
        remaining_mints=max_mints,
        remaining_value_wei=max_value_wei,
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
        max_mints=max_mints,
        unit_value_wei=unit_value_wei,
        max_value_wei=max_value_wei,
        deadline_seconds=deadline_seconds,
    )
    return round_id


@external
def close_round(round_id: uint256):
    """
    @dev Closes a round, frees its remaining exposure, and credits deposit and bond to its owner.
    @notice By anyone after the deadline. Before it by the owner only, and only while no player has
            entered and no value is left to be won, so that closing takes nothing from a player but
            trophies.
    @param round_id The round.
    """
    assert self.rounds[round_id].is_open, "round guard: the round is not open"
    is_past_deadline: bool = block.timestamp > self.rounds[round_id].deadline_seconds
    if not is_past_deadline:
        is_owner: bool = msg.sender == self.rounds[round_id].owner
        has_nothing_to_win: bool = (
            self.rounds[round_id].remaining_value_wei == 0
            and self.rounds[round_id].session_count == 0
        )
        assert is_owner, "round guard: only the owner closes before the deadline"
        assert has_nothing_to_win, "round guard: players wait for the deadline"

    unspent_wei: uint256 = self.rounds[round_id].remaining_value_wei
    mint_exposure_wei: uint256 = (
        self.rounds[round_id].remaining_mints * self.rounds[round_id].unit_value_wei
    )
    self.total_exposure_wei -= mint_exposure_wei + unspent_wei
    self.rounds[round_id].remaining_mints = 0
    self.rounds[round_id].remaining_value_wei = 0
    self.rounds[round_id].is_open = False
    self.credit_wei[self.rounds[round_id].owner] += unspent_wei + self.rounds[round_id].bond_wei
    log RoundClosed(round_id=round_id)


@external
def report(round_id: uint256, receivers: DynArray[address, MAX_RECIPIENTS]):
    """
    @dev Grants one trophy to each receiver, as far as the round's cap goes. Only as a message from
         the round's game on the fast chain.
    @param round_id The round.
    @param receivers At most 64 receivers; one that is named twice gets two.
    """
    self._require_report_of_game(round_id)
    asked: uint256 = len(receivers)
    granted: uint256 = 0
    if self._is_running(round_id):
        granted = min(asked, self.rounds[round_id].remaining_mints)

    # CAPS
    if granted > 0:
        self.rounds[round_id].remaining_mints -= granted
        self.total_exposure_wei -= granted * self.rounds[round_id].unit_value_wei
    if granted < asked:
        self.rounds[round_id].surplus_mints += asked - granted
        log OverCap(round_id=round_id, asked=asked, granted=granted)
    log Reported(round_id=round_id, asked=asked, granted=granted)

    # TROPHIES
    trophy: address = self.rounds[round_id].trophy
    for i: uint256 in range(granted, bound=MAX_RECIPIENTS):
        gas_to_keep: uint256 = (granted - i) * PENDING_GAS + REPORT_RESERVE_GAS
        is_minted: bool = False
        if msg.gas > gas_to_keep + MINT_GAS_LIMIT + MINT_GAS_LIMIT // 63:
            is_minted = self._try_mint(trophy, receivers[i])
        if not is_minted:
            self.pending_trophies[round_id][receivers[i]] += 1
            log TrophyPending(round_id=round_id, receiver=receivers[i])


@external
def payout(
    round_id: uint256,
    receivers: DynArray[address, MAX_RECIPIENTS],
    values_wei: DynArray[uint256, MAX_RECIPIENTS],
):
    """
    @dev Credits value to each receiver, in order, as far as the round's cap goes; the one that
         crosses it gets the rest. Only as a message from the round's game on the fast chain.
    @param round_id The round.
    @param receivers At most 64 receivers.
    @param values_wei The wei for each of them.
    """
    self._require_report_of_game(round_id)
    assert len(receivers) == len(values_wei), "round guard: one value for each receiver"
    remaining_wei: uint256 = 0
    if self._is_running(round_id):
        remaining_wei = self.rounds[round_id].remaining_value_wei

    asked_wei: uint256 = 0
    granted_wei: uint256 = 0
    for i: uint256 in range(len(receivers), bound=MAX_RECIPIENTS):
        # A forged report may ask for any sum: the count of what it asked for saturates.
        is_overflow: bool = values_wei[i] > max_value(uint256) - asked_wei
        asked_wei = max_value(uint256) if is_overflow else asked_wei + values_wei[i]
        share_wei: uint256 = min(values_wei[i], remaining_wei)
        if share_wei > 0:
            remaining_wei -= share_wei
            granted_wei += share_wei
            self.credit_wei[receivers[i]] += share_wei

    if granted_wei > 0:
        self.rounds[round_id].remaining_value_wei = remaining_wei
        self.total_exposure_wei -= granted_wei
    if granted_wei < asked_wei:
        surplus_wei: uint256 = self.rounds[round_id].surplus_value_wei
        headroom_wei: uint256 = max_value(uint256) - surplus_wei
        self.rounds[round_id].surplus_value_wei = surplus_wei + min(
            asked_wei - granted_wei, headroom_wei
        )
        log OverValueCap(round_id=round_id, asked_wei=asked_wei, granted_wei=granted_wei)
    log PaidOut(round_id=round_id, asked_wei=asked_wei, granted_wei=granted_wei)


@external
def claim_trophy(round_id: uint256, receiver: address):
    """
    @dev Mints one granted trophy that could not be minted when it was reported. By anyone.
    @param round_id The round.
    @param receiver Who was granted it.
    """
    pending: uint256 = self.pending_trophies[round_id][receiver]
    assert pending > 0, "round guard: no trophy is pending"
    self.pending_trophies[round_id][receiver] = pending - 1
    extcall ITrophy(self.rounds[round_id].trophy).mint(receiver)


@external
@payable
def enter(round_id: uint256):
    """
    @dev Registers the caller's session in a running round, with the value as stake.
    @param round_id The round.
    """
    assert self._is_running(round_id), "round guard: the round is not running"
    assert not self.sessions[round_id][msg.sender].is_entered, "round guard: already entered"
    self.sessions[round_id][msg.sender] = Session(is_entered=True, stake_wei=msg.value)
    self.rounds[round_id].session_count += 1
    log Entered(round_id=round_id, player=msg.sender, stake_wei=msg.value)


@external
def leave(round_id: uint256):
    """
    @dev Ends the caller's session after the deadline and pays the stake back. Needs nobody else:
         no report, no close, no fast chain, and works in a quarantine.
    @param round_id The round.
    """
    assert self.sessions[round_id][msg.sender].is_entered, "round guard: not entered"
    is_past_deadline: bool = block.timestamp > self.rounds[round_id].deadline_seconds
    assert is_past_deadline, "round guard: the deadline has not passed"
    stake_wei: uint256 = self.sessions[round_id][msg.sender].stake_wei
    self.sessions[round_id][msg.sender] = empty(Session)
    log Left(round_id=round_id, player=msg.sender, stake_wei=stake_wei)
    if stake_wei > 0:
        raw_call(msg.sender, b"", value=stake_wei)


@external
def withdraw(receiver: address):
    """
    @dev Pays out everything that is credited to the caller.
    @param receiver The 20-byte address to pay.
    """
    amount: uint256 = self.credit_wei[msg.sender]
    assert amount > 0, "round guard: nothing to withdraw"
    self.credit_wei[msg.sender] = 0
    log Withdrawn(owner=msg.sender, receiver=receiver, value=amount)
    raw_call(receiver, b"", value=amount)


@external
@view
def remaining(round_id: uint256) -> uint256:
    """
    @dev Returns how many trophies a round may still mint; 0 when it is closed or past its deadline.
    """
    return self.rounds[round_id].remaining_mints if self._is_running(round_id) else 0


@external
@view
def remaining_exposure_wei() -> uint256:
    """
    @dev Returns, over all rounds that are not closed, the sum of remaining mints times unit value
         plus remaining value, in wei. Rounds past their deadline count until they are closed.
    """
    return self.total_exposure_wei


@external
@pure
def required_deposit_wei(
    max_mints: uint256, unit_value_wei: uint256, max_value_wei: uint256
) -> uint256:
    """
    @dev Returns the value that `open_round` takes: the payout cap and the bond, in wei.
    """
    return max_value_wei + max_mints * unit_value_wei // BOND_DIVISOR


@internal
def _try_mint(trophy: address, receiver: address) -> bool:
    """
    @dev Returns whether the trophy contract minted a trophy to `receiver` within its gas.
    """
    return raw_call(
        trophy,
        abi_encode(receiver, method_id=method_id("mint(address)")),
        gas=MINT_GAS_LIMIT,
        revert_on_failure=False,
    )


@internal
@view
def _is_running(round_id: uint256) -> bool:
    """
    @dev Returns whether a round is open and its deadline has not passed.
    """
    is_in_time: bool = block.timestamp <= self.rounds[round_id].deadline_seconds
    return is_in_time and self.rounds[round_id].is_open


@internal
@view
def _require_report_of_game(round_id: uint256):
    """
    @dev Reverts unless this call is a message from the round's own game on the fast chain.
    """
    assert msg.sender == predeploys.PORTAL, "round guard: caller is not the portal"
    game: address = staticcall IPortal(predeploys.PORTAL).message_sender()
    is_game_of_round: bool = game == self.rounds[round_id].game_on_fast
    assert is_game_of_round, "round guard: not the game of this round"
    # On L1, the game's address may be somebody else's.
    source: uint256 = staticcall IPortal(predeploys.PORTAL).message_source_chain()
    fast_chain: uint256 = staticcall IPortal(predeploys.PORTAL).remote_chain_id()
    assert source == fast_chain, "round guard: not from the fast chain"
