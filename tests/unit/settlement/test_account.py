"""The transactions of one key, step by step."""

from dataclasses import replace

from execution.types import Address, Hash32
from settlement.l1 import account
from settlement.l1.account import (
    AccountPolicy,
    AccountState,
    Attempt,
    Call,
    Confirmed,
    Displaced,
    Observed,
    Send,
    Sign,
    TooDear,
)
from settlement.l1.answers import FeeMarket, L1Receipt
from settlement.l1.fees import FeePolicy, Fees

GWEI = 10**9
OWN = Address(b"\x11" * 20)
CALL = Call(Address(b"\x22" * 20), b"data", 50_000, "a call")
FEES = Fees(3 * GWEI, GWEI)
POLICY = AccountPolicy(
    confirmations=3,
    fees=FeePolicy(max_fee_limit_wei=100 * GWEI),
    resend_after_seconds=24,
    bump_after_seconds=36,
    bump_after_blocks=2,
    max_in_flight=2,
)
MARKET = FeeMarket(GWEI, GWEI)


def attempt(number: int) -> Attempt:
    return Attempt(Hash32(bytes([number]) * 32), b"raw", FEES)


def receipt(of: Attempt, block: int, *, is_success: bool = True) -> L1Receipt:
    return L1Receipt(of.transaction_hash, block, Hash32(bytes(32)), is_success, 1, 1, None)


def observed(
    head: int = 10, used: int = 0, *receipts: L1Receipt, pending: int = 0, base_fee: int = GWEI
) -> Observed:
    found = {entry.transaction_hash: entry for entry in receipts}
    return Observed(head, used, max(used, pending), FeeMarket(base_fee, GWEI), found)


def sent_state(*numbers: int) -> AccountState:
    """Calls under nonces from 0, one attempt each, sent at block 10 and second 0."""
    state = AccountState(POLICY)
    for nonce, number in enumerate(numbers):
        call = replace(CALL, data=bytes([nonce]))
        state = account.signed(state, nonce, call, attempt(number))
        state = account.sent(state, attempt(number).transaction_hash, 10, 0.0)
    return state


def test_a_wanted_call_is_signed_under_the_next_nonce() -> None:
    state, _ = account.observe(AccountState(POLICY), observed(used=7), OWN, 0.0)
    _, effects = account.want(state, [CALL], MARKET)
    assert effects == (Sign(7, CALL, Fees(3 * GWEI, GWEI)),)


def test_transactions_of_others_in_the_mempool_keep_their_nonces() -> None:
    state, _ = account.observe(AccountState(POLICY), observed(used=7, pending=9), OWN, 0.0)
    _, (effect,) = account.want(state, [CALL], MARKET)
    assert isinstance(effect, Sign)
    assert effect.nonce == 9


def test_a_call_under_way_or_wanted_twice_is_signed_once() -> None:
    state = sent_state(1)
    assert account.want(state, [state.slots[0].call], MARKET)[1] == ()
    assert len(account.want(AccountState(POLICY), [CALL, CALL], MARKET)[1]) == 1


def test_no_more_than_so_many_are_in_flight_and_order_is_kept() -> None:
    calls = [replace(CALL, data=bytes([index])) for index in range(4)]
    _, effects = account.want(AccountState(POLICY), calls, MARKET)
    assert [effect.call for effect in effects if isinstance(effect, Sign)] == calls[:2]


def test_a_call_waits_while_l1_is_too_dear() -> None:
    _, effects = account.want(AccountState(POLICY), [CALL], FeeMarket(100 * GWEI, 0))
    assert effects == (TooDear("a call", 100 * GWEI, 100 * GWEI),)


def test_what_was_signed_before_a_restart_is_sent() -> None:
    state = account.signed(AccountState(POLICY), 4, CALL, attempt(1))
    assert state.next_nonce == 5
    _, effects = account.observe(state, observed(used=4), OWN, 0.0)
    assert effects == (Send(4, attempt(1)),)


def test_a_transaction_is_settled_with_its_confirmations_and_not_before() -> None:
    state = sent_state(1)
    state, effects = account.observe(state, observed(11, 1, receipt(attempt(1), 10)), OWN, 5.0)
    assert effects == ()
    state, (effect,) = account.observe(state, observed(12, 1, receipt(attempt(1), 10)), OWN, 9.0)
    assert isinstance(effect, Confirmed)
    assert state.slots == ()
    assert state.is_remembered(effect.settled.call_id)


def test_a_settled_call_that_reverted_may_be_made_again() -> None:
    state = sent_state(1)
    call = state.slots[0].call
    failed = receipt(attempt(1), 10, is_success=False)
    state, _ = account.observe(state, observed(12, 1, failed), OWN, 9.0)
    _, (effect,) = account.want(state, [call], MARKET)
    assert isinstance(effect, Sign)
    assert effect.nonce == 1


def test_a_transaction_that_a_reorg_drops_is_sent_again_at_once() -> None:
    state = sent_state(1)
    state, _ = account.observe(state, observed(11, 1, receipt(attempt(1), 11)), OWN, 1.0)
    _, effects = account.observe(state, observed(12, 0), OWN, 2.0)
    assert effects == (Send(0, state.slots[0].last),)


def test_a_transaction_is_sent_again_after_a_while() -> None:
    state = sent_state(1)
    assert account.observe(state, observed(11), OWN, 23.0)[1] == ()
    assert account.observe(state, observed(11), OWN, 24.0)[1] == (Send(0, state.slots[0].last),)


def test_a_transaction_that_blocks_pass_by_is_replaced() -> None:
    state = sent_state(1)
    # Time alone is not enough: L1 may have stood still.
    _, effects = account.observe(state, observed(11), OWN, 60.0)
    assert not any(isinstance(effect, Sign) for effect in effects)
    _, (effect,) = account.observe(state, observed(12), OWN, 36.0)
    assert isinstance(effect, Sign)
    assert (effect.nonce, effect.call) == (0, state.slots[0].call)
    assert effect.fees.max_fee_wei * 8 >= FEES.max_fee_wei * 9


def test_resends_do_not_put_off_the_replacement() -> None:
    state = account.sent(sent_state(1), attempt(1).transaction_hash, 11, 30.0)
    _, (effect,) = account.observe(state, observed(12), OWN, 36.0)
    assert isinstance(effect, Sign)


def test_an_underpriced_transaction_is_replaced_without_waiting() -> None:
    state = account.underpriced(sent_state(1), 0)
    _, (effect,) = account.observe(state, observed(10), OWN, 1.0)
    assert isinstance(effect, Sign)


def test_at_the_limit_a_transaction_is_sent_again_instead() -> None:
    dear = replace(attempt(1), fees=Fees(99 * GWEI, GWEI))
    state = account.signed(AccountState(POLICY), 0, CALL, dear)
    state = account.sent(state, dear.transaction_hash, 10, 0.0)
    _, effects = account.observe(state, observed(12, base_fee=120 * GWEI), OWN, 40.0)
    assert effects == (TooDear("a call", 120 * GWEI, 100 * GWEI), Send(0, state.slots[0].last))


def test_any_attempt_of_a_nonce_may_be_the_one_in_the_block() -> None:
    state = account.signed(sent_state(1), 0, sent_state(1).slots[0].call, attempt(2))
    _, (effect,) = account.observe(state, observed(12, 1, receipt(attempt(1), 10)), OWN, 1.0)
    assert isinstance(effect, Confirmed)
    assert effect.settled.receipt.transaction_hash == attempt(1).transaction_hash


def test_a_nonce_that_somebody_else_used_is_given_up_with_confirmations() -> None:
    state = sent_state(1)
    call = state.slots[0].call
    for head in (11, 12):
        state, effects = account.observe(state, observed(head, 1), OWN, 1.0)
        assert effects == ()
        assert account.want(state, [call], MARKET)[1] == ()
    state, effects = account.observe(state, observed(13, 1), OWN, 1.0)
    assert effects == (Displaced(0, "a call"),)
    _, (effect,) = account.want(state, [call], MARKET)
    assert isinstance(effect, Sign)
    assert effect.nonce == 1


def test_a_displaced_nonce_that_comes_free_again_is_ours_again() -> None:
    state, _ = account.observe(sent_state(1), observed(11, 1), OWN, 1.0)
    state, _ = account.observe(state, observed(12, 0), OWN, 30.0)
    state, _ = account.observe(state, observed(13, 1), OWN, 31.0)
    assert len(state.slots) == 1


def test_a_gap_is_filled_by_a_transfer_of_nothing_to_ourselves() -> None:
    state = account.signed(AccountState(POLICY), 3, CALL, attempt(1))
    _, effects = account.observe(state, observed(10, used=2), OWN, 0.0)
    filler = effects[-1]
    assert isinstance(filler, Sign)
    assert (filler.nonce, filler.call.to, filler.call.value_wei) == (2, OWN, 0)


def test_a_gap_that_somebody_elses_transaction_will_fill_is_left() -> None:
    state = account.signed(AccountState(POLICY), 3, CALL, attempt(1))
    _, effects = account.observe(state, observed(10, used=2, pending=3), OWN, 0.0)
    assert effects == (Send(3, attempt(1)),)
