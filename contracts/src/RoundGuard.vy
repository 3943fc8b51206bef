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

        Caps, their sum, and how they tighten after an alarm: `round_caps.vy`. Players' stakes:
        `round_sessions.vy`. What is owed and how it is fetched: `credits.vy`.

        A report past a cap is not refused as a whole: what fits is granted, the surplus is counted
        and logged as `OverCap` or `OverValueCap`, which the quarantine rule reads.

        A granted trophy is never lost: where the message's gas does not suffice to mint it at
        once, or the trophy contract fails, it is noted in `pending_trophies`, and anyone may mint
        it with `claim_trophy`.

@custom:security A trophy contract is the game owner's own code. It is called with bounded gas, its
        failure is caught, and a round's caps are spent before it is called.
"""

import credits
import predeploy_addresses as predeploys
import round_caps
import round_sessions

initializes: credits
initializes: round_caps[credits := credits]
initializes: round_sessions[round_caps := round_caps]

exports: (
    credits.credit_wei,
    credits.withdraw,
    round_caps.cap_halvings,
    round_caps.close_round,
    round_caps.max_total_exposure_wei,
    round_caps.remaining,
    round_caps.remaining_exposure_wei,
    round_caps.required_deposit_wei,
    round_caps.round_count,
    round_caps.rounds,
    round_caps.set_cap_halvings,
    round_sessions.enter,
    round_sessions.leave,
    round_sessions.sessions,
)


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

# @dev Gas that a trophy contract gets to mint one trophy.
MINT_GAS_LIMIT: constant(uint256) = 250_000

# @dev Gas that it takes to note one trophy as pending.
PENDING_GAS: constant(uint256) = 30_000

# @dev Gas that must be left when a report ends.
REPORT_RESERVE_GAS: constant(uint256) = 30_000


event GameRegistered:
    trophy: indexed(address)
    owner: indexed(address)


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


# @dev Trophy contract to the owner of the game that gives it.
game_owner: public(HashMap[address, address])

# @dev Round id and receiver to the number of granted trophies that are not minted yet.
pending_trophies: public(HashMap[uint256, HashMap[address, uint256]])


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
    @notice While the caps are tight, the round gets these divided by 2 ** `cap_halvings`, as
            `RoundOpened` says.
    @param game_on_fast The 20-byte address of the only contract on the fast chain that may report.
    @param trophy The trophy contract; the caller must be its registered game owner.
    @param max_mints The number of trophies that the round may mint.
    @param unit_value_wei What one trophy is worth in the loss bound; positive if any may be minted.
    @param max_value_wei The wei that the round may pay out.
    @param deadline_seconds The Unix time after which nothing is granted; at most 30 days away.
    @return uint256 The round's id.
    """
    assert self.game_owner[trophy] == msg.sender, "round guard: caller does not own the game"
    return round_caps._open(
        msg.sender,
        msg.value,
        game_on_fast,
        trophy,
        max_mints,
        unit_value_wei,
        max_value_wei,
        deadline_seconds,
    )


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
    granted: uint256 = round_caps._take_mints(round_id, asked)
    if granted < asked:
        log OverCap(round_id=round_id, asked=asked, granted=granted)
    log Reported(round_id=round_id, asked=asked, granted=granted)

    # TROPHIES
    trophy: address = round_caps._rounds[round_id].trophy
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
    remaining_wei: uint256 = round_caps._available_wei(round_id)

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
            credits.credit_wei[receivers[i]] += share_wei

    round_caps._take_value(round_id, asked_wei, granted_wei)
    if granted_wei < asked_wei:
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
    extcall ITrophy(round_caps._rounds[round_id].trophy).mint(receiver)


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
def _require_report_of_game(round_id: uint256):
    """
    @dev Reverts unless this call is a message from the round's own game on the fast chain.
    """
    assert msg.sender == predeploys.PORTAL, "round guard: caller is not the portal"
    game: address = staticcall IPortal(predeploys.PORTAL).message_sender()
    is_game_of_round: bool = game == round_caps._rounds[round_id].game_on_fast
    assert is_game_of_round, "round guard: not the game of this round"
    # On L1, the game's address may be somebody else's.
    source: uint256 = staticcall IPortal(predeploys.PORTAL).message_source_chain()
    fast_chain: uint256 = staticcall IPortal(predeploys.PORTAL).remote_chain_id()
    assert source == fast_chain, "round guard: not from the fast chain"
