"""Tokens of L1 on both chains: in one place at a time, and never more than L1 holds."""

import random

import pytest
from contract_world import (
    ALICE,
    BOB,
    FAST_CHAIN_ID,
    L1_CHAIN_ID,
    MALLORY,
    ROLLUP,
    ZK_CHAIN_ID,
    World,
    new_world,
)
from eth_abi.abi import encode
from eth_hash.auto import keccak
from evm_harness import Chain, Contract, Outcome, account_address, reverting_code, sent_messages

from contracts import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS
from contracts.bindings import retry_call, retry_l1_call, set_quarantine_call
from contracts.bridged_tokens import (
    bridged_token_id,
    locked_tokens_call,
    mint_from_l1_call,
    owner_of_call,
    send_back_call,
    send_to_fast_call,
    token_locked_by_slot,
    token_owner_slot,
    withdraw_token_call,
)
from contracts.withdrawals import (
    Withdrawal,
    decode_withdrawal_requested,
    is_withdrawal_requested,
)
from execution.types import SYSTEM_ADDRESS, Address
from ledger.crossing import Message

L1_TOKEN = account_address("token on l1")
TOKEN = bridged_token_id(L1_TOKEN, 7)
ZERO = Address(bytes(20))
GAS = 500_000

_RECEIVE_FROM_ZK = keccak(b"receive_from_zk(address,uint256,address,uint256)")[:4]
_RECEIVE_FROM_FAST = keccak(b"receive_from_fast(uint256,address,uint256)")[:4]


def text(address: Address) -> str:
    """Return an address as views return it."""
    return "0x" + address.hex()


def deposit(
    world: World,
    receiver: Address = ALICE,
    l1_token_id: int = 7,
    sender: Address = ROLLUP,
) -> tuple[Message, Outcome]:
    """Deliver the Rollup's message for a deposited token."""
    nonce = world.zk_portal.view("next_l1_nonce")
    data = mint_from_l1_call(L1_TOKEN, l1_token_id, receiver)
    message = Message(L1_CHAIN_ID, nonce, sender, BRIDGED_TOKENS_ADDRESS, 0, GAS, data)
    return message, world.zk.deliver(message)


def to_fast(world: World, owner: Address, receiver: Address, token: int = TOKEN) -> Message:
    """Send a token to the fast chain, without delivering it; return the message."""
    sent = world.zk.execute(
        BRIDGED_TOKENS_ADDRESS, send_to_fast_call(token, receiver), sender=owner
    )
    assert sent.is_success, sent.reason
    (message,) = sent_messages(sent, world.zk)
    return message


def back(world: World, owner: Address, receiver: Address, token: int = TOKEN) -> Message:
    """Send a token back from the fast chain, without delivering it; return the message."""
    sent = world.fast.execute(BRIDGED_TOKENS_ADDRESS, send_back_call(token, receiver), sender=owner)
    assert sent.is_success, sent.reason
    (message,) = sent_messages(sent, world.fast)
    return message


def forged_unlock(nonce: int, serial: int, token: int = TOKEN) -> Message:
    """Return a message that a lying fast chain might certify."""
    data = _RECEIVE_FROM_FAST + encode(["uint256", "address", "uint256"], [token, MALLORY, serial])
    return Message(
        FAST_CHAIN_ID, nonce, BRIDGED_TOKENS_ADDRESS, BRIDGED_TOKENS_ADDRESS, 0, GAS, data
    )


def owner_of(tokens: Contract, token: int = TOKEN) -> str | None:
    """Return a token's owner, if there is such a token."""
    outcome = tokens.chain.execute(
        tokens.address, owner_of_call(token), sender=ALICE, is_kept=False
    )
    return text(Address(outcome.output[12:])) if outcome.is_success else None


# ---- MINTING ----


def test_the_rollups_message_mints(settled: World) -> None:
    _, outcome = deposit(settled)
    assert outcome.event_count("L1MessageDelivered", "Portal") == 1
    assert owner_of(settled.zk_tokens) == text(ALICE)
    assert settled.zk_tokens.view("balanceOf", ALICE) == 1
    assert settled.zk_tokens.view("original_of", TOKEN) == (text(L1_TOKEN), 7)
    assert settled.zk_tokens.view("token_id_of", L1_TOKEN, 7) == TOKEN
    (event,) = outcome.events("Minted", "BridgedTokens")
    assert (event["token_id"], event["l1_token_id"]) == (TOKEN, 7)


def test_nobody_but_the_rollup_on_l1_mints(settled: World) -> None:
    _, by_another = deposit(settled, sender=MALLORY)
    assert by_another.event_count("L1MessageParked", "Portal") == 1
    call = mint_from_l1_call(L1_TOKEN, 7, MALLORY)
    from_fast = Message(FAST_CHAIN_ID, 0, ROLLUP, BRIDGED_TOKENS_ADDRESS, 0, GAS, call)
    outcome = settled.zk.deliver(from_fast)
    (event,) = outcome.events("MessageParked", "Portal")
    assert b"bridged: another source chain" in event["reason"]
    direct = settled.zk.execute(BRIDGED_TOKENS_ADDRESS, call, sender=ROLLUP)
    assert direct.reason == "bridged: caller is not the portal"
    assert owner_of(settled.zk_tokens) is None


def test_without_l1_nothing_is_minted(world: World) -> None:
    """The Rollup's address is zero there, and so is its chain: neither may match."""
    call = mint_from_l1_call(L1_TOKEN, 7, MALLORY)
    for tokens in (world.zk_tokens, world.fast_tokens):
        outcome = tokens.chain.execute(tokens.address, call, sender=MALLORY)
        assert outcome.reason == "bridged: no L1 behind this chain"


def test_a_mint_that_fails_is_retried_and_mints_once(settled: World) -> None:
    code = settled.zk.alloc[BRIDGED_TOKENS_ADDRESS].code
    settled.zk.put_code(BRIDGED_TOKENS_ADDRESS, reverting_code())
    message, parked = deposit(settled)
    assert parked.event_count("L1MessageParked", "Portal") == 1
    settled.zk.put_code(BRIDGED_TOKENS_ADDRESS, code)
    assert settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(message), sender=BOB).is_success
    assert owner_of(settled.zk_tokens) == text(ALICE)
    again = settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(message), sender=BOB)
    assert again.reason == "portal: no such parked message"


# ---- WITHDRAWING ----


def test_an_owner_takes_a_token_off(settled: World) -> None:
    deposit(settled)
    call = withdraw_token_call(TOKEN, BOB)
    outcome = settled.zk.execute(BRIDGED_TOKENS_ADDRESS, call, sender=ALICE)
    (log,) = (log for log in outcome.logs if is_withdrawal_requested(log))
    assert decode_withdrawal_requested(log) == Withdrawal(0, ALICE, BOB, 0, L1_TOKEN, 7)
    assert owner_of(settled.zk_tokens) is None
    again = settled.zk.execute(BRIDGED_TOKENS_ADDRESS, call, sender=ALICE)
    assert again.reason == "erc721: no such token"


def test_only_the_owner_takes_a_token_off_or_sends_it(settled: World) -> None:
    deposit(settled)
    for call in (withdraw_token_call(TOKEN, MALLORY), send_to_fast_call(TOKEN, MALLORY)):
        outcome = settled.zk.execute(BRIDGED_TOKENS_ADDRESS, call, sender=MALLORY)
        assert outcome.reason == "bridged: caller is not the owner"
    for call in (withdraw_token_call(TOKEN, ZERO), send_to_fast_call(TOKEN, ZERO)):
        outcome = settled.zk.execute(BRIDGED_TOKENS_ADDRESS, call, sender=ALICE)
        assert outcome.reason == "bridged: zero receiver"


def test_each_function_is_for_one_of_the_chains(settled: World) -> None:
    for tokens, calls in (
        (settled.fast_tokens, (withdraw_token_call(TOKEN, BOB), send_to_fast_call(TOKEN, BOB))),
        (settled.zk_tokens, (send_back_call(TOKEN, BOB),)),
    ):
        for call in calls:
            outcome = tokens.chain.execute(tokens.address, call, sender=ALICE)
            assert outcome.reason == "bridged: not on this chain"


# ---- BETWEEN THE CHAINS ----


def test_a_token_goes_to_the_fast_chain_and_back(settled: World) -> None:
    deposit(settled)
    message = to_fast(settled, ALICE, BOB)
    assert owner_of(settled.zk_tokens) == text(BRIDGED_TOKENS_ADDRESS)
    assert settled.zk_tokens.view("locked_by", TOKEN) == text(ALICE)
    assert settled.zk_tokens.view("locked_tokens") == 1
    assert owner_of(settled.fast_tokens) is None

    assert settled.fast.deliver(message).event_count("MessageDelivered", "Portal") == 1
    assert owner_of(settled.fast_tokens) == text(BOB)
    assert settled.fast_tokens.view("original_of", TOKEN) == (text(L1_TOKEN), 7)

    sold = settled.fast_tokens.transact("transferFrom", BOB, MALLORY, TOKEN, sender=BOB)
    assert sold.is_success
    returning = back(settled, MALLORY, MALLORY)
    assert owner_of(settled.fast_tokens) is None
    assert settled.zk_tokens.view("locked_tokens") == 1
    outcome = settled.zk.deliver(returning)
    assert outcome.event_count("MessageDelivered", "Portal") == 1
    assert owner_of(settled.zk_tokens) == text(MALLORY)
    assert settled.zk_tokens.view("locked_tokens") == 0
    assert settled.zk_tokens.view("locked_by", TOKEN) == text(ZERO)


def test_a_token_goes_there_again_and_again(settled: World) -> None:
    deposit(settled)
    for _ in range(3):
        assert settled.fast.deliver(to_fast(settled, ALICE, ALICE)).is_success
        assert owner_of(settled.fast_tokens) == text(ALICE)
        assert settled.zk.deliver(back(settled, ALICE, ALICE)).is_success
        assert owner_of(settled.zk_tokens) == text(ALICE)
    assert settled.zk_tokens.view("last_serial") == 3


def test_what_is_locked_cannot_be_moved(settled: World) -> None:
    deposit(settled)
    to_fast(settled, ALICE, BOB)
    for owner in (ALICE, BRIDGED_TOKENS_ADDRESS):
        moved = settled.zk_tokens.transact("transferFrom", owner, BOB, TOKEN, sender=ALICE)
        assert not moved.is_success
    withdrawn = settled.zk.execute(
        BRIDGED_TOKENS_ADDRESS, withdraw_token_call(TOKEN, BOB), sender=ALICE
    )
    assert withdrawn.reason == "bridged: caller is not the owner"


def test_a_token_cannot_be_stranded_in_the_predeploy(settled: World) -> None:
    deposit(settled)
    outcome = settled.zk_tokens.transact(
        "transferFrom", ALICE, BRIDGED_TOKENS_ADDRESS, TOKEN, sender=ALICE
    )
    assert outcome.reason == "erc721: the contract itself takes no token"


def test_a_lying_fast_chain_takes_what_is_locked_and_nothing_else(settled: World) -> None:
    deposit(settled)
    deposit(settled, l1_token_id=8)
    to_fast(settled, ALICE, BOB)
    other = bridged_token_id(L1_TOKEN, 8)
    invented = bridged_token_id(L1_TOKEN, 9)
    bound = settled.zk_tokens.view("locked_tokens")
    for nonce, (serial, token) in enumerate(
        [(1, other), (0, other), (1, invented), (0, invented), (2, TOKEN), (0, TOKEN)]
    ):
        outcome = settled.zk.deliver(forged_unlock(nonce, serial, token))
        (event,) = outcome.events("MessageParked", "Portal")
        assert b"bridged: not locked by this serial" in event["reason"]
    assert owner_of(settled.zk_tokens, other) == text(ALICE)

    stolen = settled.zk.deliver(forged_unlock(6, serial=1))
    assert stolen.event_count("MessageDelivered", "Portal") == 1
    again = settled.zk.deliver(forged_unlock(7, serial=1))
    assert again.event_count("MessageParked", "Portal") == 1
    assert bound - settled.zk_tokens.view("locked_tokens") == bound == 1


def test_messages_of_others_move_nothing(settled: World) -> None:
    deposit(settled)
    to_fast(settled, ALICE, BOB)
    genuine = forged_unlock(0, serial=1)
    for sender in (MALLORY, ROLLUP, PORTAL_ADDRESS):
        nonce = settled.zk_portal.view("next_inbound_nonce")
        message = Message(
            FAST_CHAIN_ID, nonce, sender, genuine.target, 0, genuine.gas_limit, genuine.data
        )
        settled.zk.deliver(message)
        assert owner_of(settled.zk_tokens) == text(BRIDGED_TOKENS_ADDRESS)
    nonce = settled.zk_portal.view("next_l1_nonce")
    from_l1 = Message(
        L1_CHAIN_ID, nonce, genuine.sender, genuine.target, 0, genuine.gas_limit, genuine.data
    )
    assert settled.zk.deliver(from_l1).event_count("L1MessageParked", "Portal") == 1
    assert owner_of(settled.zk_tokens) == text(BRIDGED_TOKENS_ADDRESS)


def test_a_lying_fast_chain_mints_nothing_on_the_zk_chain(settled: World) -> None:
    """Its BridgedTokens may be made to say anything, also what only the ZK chain may say."""
    types = ["address", "uint256", "address", "uint256"]
    data = _RECEIVE_FROM_ZK + encode(types, [L1_TOKEN, 7, MALLORY, 1])
    tokens = BRIDGED_TOKENS_ADDRESS
    outcome = settled.zk.deliver(Message(FAST_CHAIN_ID, 0, tokens, tokens, 0, GAS, data))
    (event,) = outcome.events("MessageParked", "Portal")
    assert b"bridged: not on this chain" in event["reason"]
    assert owner_of(settled.zk_tokens) is None


def test_the_fast_chain_unlocks_nothing_of_its_own(settled: World) -> None:
    deposit(settled)
    assert settled.fast.deliver(to_fast(settled, ALICE, BOB)).is_success
    unlock = forged_unlock(1, serial=1)
    tokens = BRIDGED_TOKENS_ADDRESS
    from_zk = Message(ZK_CHAIN_ID, 1, tokens, tokens, 0, GAS, unlock.data)
    (event,) = settled.fast.deliver(from_zk).events("MessageParked", "Portal")
    assert b"bridged: not on this chain" in event["reason"]
    assert owner_of(settled.fast_tokens) == text(BOB)


def test_a_token_that_is_there_is_not_minted_again(settled: World) -> None:
    """Only a token contract that lies to L1 gets here: it is deposited twice."""
    deposit(settled)
    message, outcome = deposit(settled, receiver=MALLORY)
    (event,) = outcome.events("L1MessageParked", "Portal")
    assert b"erc721: the token exists" in event["reason"]
    assert owner_of(settled.zk_tokens) == text(ALICE)
    retried = settled.zk.execute(PORTAL_ADDRESS, retry_l1_call(message), sender=MALLORY)
    assert retried.reason == "portal: the call failed again"


# ---- DELIVERIES THAT FAIL ----


def test_a_failed_delivery_loses_no_token(settled: World) -> None:
    """Locked while the message waits, and minted once when it is retried."""
    deposit(settled)
    message = to_fast(settled, ALICE, BOB)
    code = settled.fast.alloc[BRIDGED_TOKENS_ADDRESS].code
    settled.fast.put_code(BRIDGED_TOKENS_ADDRESS, reverting_code())
    assert settled.fast.deliver(message).event_count("MessageParked", "Portal") == 1
    assert owner_of(settled.zk_tokens) == text(BRIDGED_TOKENS_ADDRESS)
    settled.fast.put_code(BRIDGED_TOKENS_ADDRESS, code)
    assert settled.fast.execute(PORTAL_ADDRESS, retry_call(message), sender=MALLORY).is_success
    assert owner_of(settled.fast_tokens) == text(BOB)
    again = settled.fast.execute(PORTAL_ADDRESS, retry_call(message), sender=MALLORY)
    assert again.reason == "portal: no such parked message"


def test_a_message_of_an_older_lock_mints_nothing(settled: World) -> None:
    """A delivery that was parked while a lying chain brought the token home, and out again."""
    deposit(settled)
    first = to_fast(settled, ALICE, ALICE)
    code = settled.fast.alloc[BRIDGED_TOKENS_ADDRESS].code
    settled.fast.put_code(BRIDGED_TOKENS_ADDRESS, reverting_code())
    assert settled.fast.deliver(first).event_count("MessageParked", "Portal") == 1
    settled.fast.put_code(BRIDGED_TOKENS_ADDRESS, code)
    assert settled.zk.deliver(forged_unlock(0, serial=1)).is_success
    second = to_fast(settled, MALLORY, BOB)
    assert settled.fast.deliver(second).is_success
    assert settled.fast.execute(PORTAL_ADDRESS, retry_call(first), sender=ALICE).reason == (
        "portal: the call failed again"
    )
    home = back(settled, BOB, BOB)
    retried = settled.fast.execute(PORTAL_ADDRESS, retry_call(first), sender=ALICE)
    assert retried.reason == "portal: the call failed again"
    assert owner_of(settled.fast_tokens) is None
    assert home.sender == BRIDGED_TOKENS_ADDRESS


@pytest.mark.parametrize("receiver_code", [b"", reverting_code()])
def test_no_receiver_can_refuse_a_token(settled: World, receiver_code: bytes) -> None:
    receiver = account_address("receiver")
    for chain in (settled.zk, settled.fast):
        chain.put_code(receiver, receiver_code)
    deposit(settled, receiver=receiver)
    message = to_fast(settled, receiver, receiver)
    assert settled.fast.deliver(message).event_count("MessageDelivered", "Portal") == 1
    returning = back(settled, receiver, receiver)
    assert settled.zk.deliver(returning).event_count("MessageDelivered", "Portal") == 1


def test_messages_use_far_less_than_their_gas(settled: World) -> None:
    _, minted = deposit(settled)
    out = settled.fast.deliver(to_fast(settled, ALICE, BOB))
    home = settled.zk.deliver(back(settled, BOB, BOB))
    for outcome in (minted, out, home):
        # Whole transactions, with their intrinsic gas and the Portal's own work.
        assert outcome.gas_used < GAS // 2


def test_a_quarantine_stops_sending_and_keeps_the_token(settled: World) -> None:
    deposit(settled)
    call = set_quarantine_call(is_active=True, last_good_checkpoint=1)
    assert settled.zk.execute(PORTAL_ADDRESS, call, sender=SYSTEM_ADDRESS).is_success
    sent = settled.zk.execute(BRIDGED_TOKENS_ADDRESS, send_to_fast_call(TOKEN, BOB), sender=ALICE)
    assert sent.reason == "portal: the fast chain is quarantined"
    assert owner_of(settled.zk_tokens) == text(ALICE)
    assert settled.zk_tokens.view("locked_tokens") == 0
    taken = withdraw_token_call(TOKEN, ALICE)
    assert settled.zk.execute(BRIDGED_TOKENS_ADDRESS, taken, sender=ALICE).is_success


def test_any_order_of_moves_keeps_every_token_in_one_place() -> None:
    """A seeded walk over deposits, sends, sales, returns and withdrawals, late deliveries too."""
    world, chance = new_world(L1_CHAIN_ID), random.Random(4)
    people = [ALICE, BOB, MALLORY]
    on_l1 = dict.fromkeys(range(4), True)
    under_way: list[tuple[Chain, Message]] = []
    for _ in range(150):
        number = chance.randrange(4)
        token = bridged_token_id(L1_TOKEN, number)
        receiver = chance.choice(people)
        move = chance.randrange(5)
        if move == 0 and on_l1[number]:
            deposit(world, receiver, number)
            on_l1[number] = False
        elif move == 1 and owner_of(world.zk_tokens, token) in map(text, people):
            holder = Address(bytes.fromhex(str(owner_of(world.zk_tokens, token))[2:]))
            under_way.append((world.fast, to_fast(world, holder, receiver, token)))
        elif move == 2 and owner_of(world.fast_tokens, token) is not None:
            holder = Address(bytes.fromhex(str(owner_of(world.fast_tokens, token))[2:]))
            under_way.append((world.zk, back(world, holder, receiver, token)))
        elif move == 3 and owner_of(world.zk_tokens, token) in map(text, people):
            holder = Address(bytes.fromhex(str(owner_of(world.zk_tokens, token))[2:]))
            call = withdraw_token_call(token, receiver)
            outcome = world.zk.execute(BRIDGED_TOKENS_ADDRESS, call, sender=holder)
            assert outcome.is_success
            on_l1[number] = True
        elif move == 4 and under_way:
            chain, message = under_way.pop(0)
            assert chain.deliver(message).event_count("MessageDelivered", "Portal") == 1

        places = {
            number: (
                on_l1[number],
                owner_of(world.zk_tokens, bridged_token_id(L1_TOKEN, number)) is not None,
            )
            for number in range(4)
        }
        assert all(is_on_l1 != is_on_zk for is_on_l1, is_on_zk in places.values())
        locked = [
            token
            for token in (bridged_token_id(L1_TOKEN, number) for number in range(4))
            if owner_of(world.zk_tokens, token) == text(BRIDGED_TOKENS_ADDRESS)
        ]
        assert len(locked) == world.zk_tokens.view("locked_tokens")
        for number in range(4):
            token = bridged_token_id(L1_TOKEN, number)
            assert owner_of(world.fast_tokens, token) is None or token in locked


# ---- BINDINGS ----


def test_the_slots_are_where_l1_looks(settled: World) -> None:
    deposit(settled)
    tokens = BRIDGED_TOKENS_ADDRESS
    assert settled.zk.storage(tokens, token_owner_slot(TOKEN)) == int.from_bytes(ALICE)
    assert settled.zk.storage(tokens, token_locked_by_slot(TOKEN)) == 0
    to_fast(settled, ALICE, BOB)
    assert settled.zk.storage(tokens, token_owner_slot(TOKEN)) == int.from_bytes(tokens)
    assert settled.zk.storage(tokens, token_locked_by_slot(TOKEN)) == int.from_bytes(ALICE)
    locked = settled.zk.execute(tokens, locked_tokens_call(), sender=ALICE)
    assert int.from_bytes(locked.output) == 1


# ---- ERC-721 ----


def test_approved_and_operators_transfer(settled: World) -> None:
    deposit(settled)
    tokens = settled.zk_tokens
    taken = tokens.transact("transferFrom", ALICE, BOB, TOKEN, sender=BOB)
    assert taken.reason == "erc721: caller may not transfer"
    assert tokens.transact("approve", BOB, TOKEN, sender=ALICE).is_success
    assert tokens.view("getApproved", TOKEN) == text(BOB)
    assert tokens.transact("transferFrom", ALICE, BOB, TOKEN, sender=BOB).is_success
    assert tokens.view("getApproved", TOKEN) == text(ZERO)
    assert tokens.transact("setApprovalForAll", ALICE, True, sender=BOB).is_success
    assert tokens.transact("transferFrom", BOB, ALICE, TOKEN, sender=ALICE).is_success
    assert (tokens.view("balanceOf", ALICE), tokens.view("balanceOf", BOB)) == (1, 0)


def test_transfers_name_the_owner_and_a_receiver(settled: World) -> None:
    deposit(settled)
    tokens = settled.zk_tokens
    wrong_owner = tokens.transact("transferFrom", BOB, MALLORY, TOKEN, sender=BOB)
    assert wrong_owner.reason == "erc721: another owner"
    nobody = tokens.transact("transferFrom", ALICE, ZERO, TOKEN, sender=ALICE)
    assert nobody.reason == "erc721: zero receiver"
    unapproved = tokens.transact("approve", MALLORY, TOKEN, sender=MALLORY)
    assert unapproved.reason == "erc721: caller may not approve"


def test_a_safe_transfer_asks_a_contract(settled: World) -> None:
    deposit(settled)
    tokens, contract = settled.zk_tokens, account_address("contract")
    settled.zk.put_code(contract, reverting_code())
    refused = tokens.transact("safeTransferFrom", ALICE, contract, TOKEN, sender=ALICE)
    assert not refused.is_success
    # Returns the selector of onERC721Received, as ERC-721 wants it.
    accepting = bytes.fromhex("63150b7a0260e01b5f5260205ff3")
    settled.zk.put_code(contract, accepting)
    taken = tokens.transact("safeTransferFrom", ALICE, contract, TOKEN, b"note", sender=ALICE)
    assert taken.is_success
    assert owner_of(tokens) == text(contract)


def test_a_contract_that_answers_wrongly_gets_no_safe_transfer(settled: World) -> None:
    deposit(settled)
    contract = account_address("contract")
    # Returns another selector.
    settled.zk.put_code(contract, bytes.fromhex("600160f81b5f5260205ff3"))
    refused = settled.zk_tokens.transact("safeTransferFrom", ALICE, contract, TOKEN, sender=ALICE)
    assert refused.reason == "erc721: the receiver refuses"


def test_the_zero_address_has_no_balance(settled: World) -> None:
    outcome = settled.zk_tokens.transact("balanceOf", ZERO, sender=ALICE)
    assert outcome.reason == "erc721: zero address"


def test_the_interfaces_are_those_of_erc_721(settled: World) -> None:
    tokens = settled.zk_tokens
    for interface in ("01ffc9a7", "80ac58cd", "5b5e139f"):
        assert tokens.view("supportsInterface", bytes.fromhex(interface))
    assert not tokens.view("supportsInterface", bytes.fromhex("ffffffff"))
    assert (tokens.view("name"), tokens.view("symbol")) == ("Braid Bridged Tokens", "BRIDGED")
