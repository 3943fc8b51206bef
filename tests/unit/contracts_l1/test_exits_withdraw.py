"""What the ZK chain's Portal wrote down is paid on L1: once, to its receiver, after finality."""

from dataclasses import replace
from typing import Any

import pytest
from attackers import deploy_attacker

from contracts import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS
from contracts.bridged_tokens import bridged_token_id, withdraw_token_call
from contracts.l1.deployment import rollup_init_code
from contracts.withdrawals import (
    ETH_TOKEN,
    Withdrawal,
    decode_withdrawal_requested,
    is_withdrawal_requested,
    withdraw_call,
    withdrawal_slot,
)
from execution.types import Address, Receipt
from tests.support.engine_chain import ETHER, Key
from tests.support.rollup_world import (
    ALICE,
    BOB,
    GUARDIAN,
    MALLORY,
    POSTER,
    RollupWorld,
)

CAROL = Key("carol")
TOKEN_ID = 7


def requested(receipt: Receipt) -> Withdrawal:
    """The one withdrawal that a transaction asked for."""
    (log,) = (log for log in receipt.logs if is_withdrawal_requested(log))
    return decode_withdrawal_requested(log)


def ask(world: RollupWorld, key: Key, receiver: Address, value_wei: int) -> Withdrawal:
    """Ask for ETH on the ZK chain."""
    return requested(world.zk.transact(key, PORTAL_ADDRESS, withdraw_call(receiver), value_wei))


def arguments(world: RollupWorld, withdrawal: Withdrawal) -> tuple[Any, ...]:
    """Arguments of ``withdraw``, with a proof at the end of the last batch."""
    account_proof, storage_proof = world.proof(PORTAL_ADDRESS, withdrawal_slot(withdrawal.index))
    return (
        withdrawal.index,
        withdrawal.sender,
        withdrawal.receiver,
        withdrawal.value_wei,
        withdrawal.l1_token,
        withdrawal.token_id,
        account_proof,
        storage_proof,
    )


def token_withdrawal(world: RollupWorld) -> Withdrawal:
    """Deposit a token, and ask for it back."""
    world.deposit_token(ALICE, TOKEN_ID)
    world.deliver()
    twin = bridged_token_id(world.token.address, TOKEN_ID)
    data = withdraw_token_call(twin, CAROL.address)
    return requested(world.zk.transact(ALICE, BRIDGED_TOKENS_ADDRESS, data))


def test_a_withdrawal_is_paid_after_finality(world: RollupWorld) -> None:
    withdrawal = ask(world, ALICE, CAROL.address, 2 * ETHER)
    world.settle()
    outcome = world.exits.must(POSTER, "withdraw", *arguments(world, withdrawal))
    assert world.l1.balance_wei(CAROL.address) == 2 * ETHER
    (event,) = world.exits.events(outcome, "Withdrawn")
    assert (event["index"], event["value_wei"]) == (0, 2 * ETHER)
    assert world.exits.view("is_withdrawn", 0)
    assert outcome.gas_used < 500_000


def test_a_withdrawal_is_paid_once(world: RollupWorld) -> None:
    withdrawal = ask(world, ALICE, CAROL.address, ETHER)
    world.settle()
    world.exits.must(POSTER, "withdraw", *arguments(world, withdrawal))
    again = world.exits.refusal(POSTER, "withdraw", *arguments(world, withdrawal))
    assert again == "exits: already withdrawn"
    world.zk.block()
    world.settle()
    later = world.exits.refusal(POSTER, "withdraw", *arguments(world, withdrawal))
    assert later == "exits: already withdrawn"
    assert world.l1.balance_wei(CAROL.address) == ETHER


def test_a_withdrawal_before_finality_is_refused(world: RollupWorld) -> None:
    withdrawal = ask(world, ALICE, CAROL.address, ETHER)
    batch = world.batch()
    early = arguments(world, withdrawal)
    for step in (lambda: None, lambda: world.commit(batch), lambda: world.prove(batch)):
        step()
        assert world.exits.refusal(POSTER, "withdraw", *early) == "mpt: node has another hash"
    world.finalize(batch)
    world.exits.must(POSTER, "withdraw", *early)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": BOB.address},
        {"receiver": MALLORY.address},
        {"value_wei": 2 * ETHER},
        {"l1_token": Address(b"\x01" * 20)},
        {"token_id": 1},
    ],
)
def test_no_field_of_a_withdrawal_can_be_changed(
    world: RollupWorld, changes: dict[str, Any]
) -> None:
    withdrawal = ask(world, ALICE, CAROL.address, ETHER)
    world.settle()
    forged = replace(withdrawal, **changes)
    assert world.exits.refusal(MALLORY, "withdraw", *arguments(world, forged)) == (
        "exits: another withdrawal"
    )


def test_the_proof_of_one_index_is_none_of_another(world: RollupWorld) -> None:
    first = ask(world, ALICE, CAROL.address, ETHER)
    second = ask(world, ALICE, CAROL.address, ETHER)
    world.settle()
    proof = arguments(world, first)[-2:]
    swapped = (*arguments(world, second)[:-2], *proof)
    assert not world.exits.transact(MALLORY, "withdraw", *swapped).is_success
    unasked = (*arguments(world, replace(first, index=2))[:-2], *proof)
    assert not world.exits.transact(MALLORY, "withdraw", *unasked).is_success


def test_the_storage_of_another_contract_proves_nothing(world: RollupWorld) -> None:
    withdrawal = token_withdrawal(world)
    world.settle()
    account_proof, _ = world.proof(BRIDGED_TOKENS_ADDRESS)
    fields = arguments(world, withdrawal)
    swapped = (*fields[:-2], account_proof, fields[-1])
    assert world.exits.refusal(MALLORY, "withdraw", *swapped).startswith("mpt:")


def test_a_token_is_given_out_once(world: RollupWorld) -> None:
    withdrawal = token_withdrawal(world)
    assert withdrawal.l1_token == world.token.address
    assert withdrawal.value_wei == 0
    world.settle()
    world.exits.must(POSTER, "withdraw", *arguments(world, withdrawal))
    assert world.token.view("ownerOf", TOKEN_ID) == "0x" + CAROL.address.hex()
    assert not world.rollup.view("is_in_custody", world.token.address, TOKEN_ID)
    again = world.exits.refusal(POSTER, "withdraw", *arguments(world, withdrawal))
    assert again == "exits: already withdrawn"


def test_a_token_that_came_out_can_go_in_again(world: RollupWorld) -> None:
    first = token_withdrawal(world)
    world.settle()
    world.exits.must(POSTER, "withdraw", *arguments(world, first))

    world.token.must(CAROL, "approve", world.rollup.address, TOKEN_ID)
    deposit = (world.token.address, TOKEN_ID, ALICE.address)
    world.enqueue(world.rollup.must(CAROL, "deposit_token", *deposit))
    world.deliver()
    twin = bridged_token_id(world.token.address, TOKEN_ID)
    data = withdraw_token_call(twin, CAROL.address)
    second = requested(world.zk.transact(ALICE, BRIDGED_TOKENS_ADDRESS, data))
    world.settle()
    again = world.exits.refusal(POSTER, "withdraw", *arguments(world, first))
    assert again == "exits: already withdrawn"
    world.exits.must(POSTER, "withdraw", *arguments(world, second))
    assert world.token.view("ownerOf", TOKEN_ID) == "0x" + CAROL.address.hex()


def test_a_deposit_that_fails_comes_back_as_a_withdrawal(world: RollupWorld) -> None:
    before = world.l1.balance_wei(ALICE.address)
    deposit = (BRIDGED_TOKENS_ADDRESS, 100_000, b"no such function")
    world.enqueue(world.rollup.must(ALICE, "deposit", *deposit, value_wei=ETHER))
    (receipt,) = world.deliver()
    withdrawal = requested(receipt)
    assert withdrawal == Withdrawal(0, PORTAL_ADDRESS, ALICE.address, ETHER)
    assert withdrawal.l1_token == ETH_TOKEN
    world.settle()
    world.exits.must(POSTER, "withdraw", *arguments(world, withdrawal))
    assert world.l1.balance_wei(ALICE.address) == before


def test_a_pause_stops_no_withdrawal(world: RollupWorld) -> None:
    withdrawal = ask(world, ALICE, CAROL.address, ETHER)
    world.settle()
    world.rollup.must(GUARDIAN, "pause", 86_400)
    world.exits.must(POSTER, "withdraw", *arguments(world, withdrawal))


def test_a_receiver_that_refuses_can_be_paid_later(world: RollupWorld) -> None:
    contract = deploy_attacker(world)
    withdrawal = ask(world, ALICE, contract.address, ETHER)
    world.settle()
    contract.must(MALLORY, "refuse", True)
    assert not world.exits.transact(POSTER, "withdraw", *arguments(world, withdrawal)).is_success
    assert not world.exits.view("is_withdrawn", withdrawal.index)
    contract.must(MALLORY, "refuse", False)
    world.exits.must(POSTER, "withdraw", *arguments(world, withdrawal))
    assert world.l1.balance_wei(contract.address) == ETHER


@pytest.mark.parametrize("reentered", [0, 1])
def test_a_receiver_cannot_withdraw_again_while_it_is_paid(
    world: RollupWorld, reentered: int
) -> None:
    attacker = deploy_attacker(world)
    withdrawals = [ask(world, ALICE, attacker.address, ETHER) for _ in range(2)]
    world.settle()
    held = world.l1.balance_wei(world.rollup.address)
    call = world.exits.encode_call("withdraw", *arguments(world, withdrawals[reentered]))
    attacker.must(MALLORY, "arm", world.exits.address, call)
    world.exits.must(POSTER, "withdraw", *arguments(world, withdrawals[0]))
    assert attacker.view("call_count") == 1
    assert not attacker.view("has_succeeded")
    assert world.l1.balance_wei(attacker.address) == ETHER
    assert world.l1.balance_wei(world.rollup.address) == held - ETHER


@pytest.mark.parametrize("function", ["deposit_eth", "force_transaction", "finalize_batch"])
def test_a_receiver_cannot_enter_the_rollup_while_it_is_paid(
    world: RollupWorld, function: str
) -> None:
    attacker = deploy_attacker(world)
    withdrawal = ask(world, ALICE, attacker.address, ETHER)
    world.settle()
    calls = {
        "deposit_eth": ("deposit_eth", MALLORY.address),
        "force_transaction": ("force_transaction", b"raw"),
        "finalize_batch": ("finalize_batch", world.last_id, 0),
    }
    call = world.rollup.encode_call(*calls[function])
    attacker.must(MALLORY, "arm", world.rollup.address, call)
    world.exits.must(POSTER, "withdraw", *arguments(world, withdrawal))
    assert attacker.view("call_count") == 1
    assert not attacker.view("has_succeeded")


def test_a_token_contract_cannot_enter_while_it_is_asked_for_a_token(world: RollupWorld) -> None:
    attacker = deploy_attacker(world)
    data = world.rollup.encode_call("deposit_token", attacker.address, 8, MALLORY.address)
    attacker.must(MALLORY, "arm", world.rollup.address, data)
    arguments_of_first = (attacker.address, 7, MALLORY.address)
    world.rollup.must(MALLORY, "deposit_token", *arguments_of_first)
    assert attacker.view("call_count") == 1
    assert not attacker.view("has_succeeded")
    assert world.rollup.view("queue_length") == 1


@pytest.mark.parametrize("key", [ALICE, MALLORY, GUARDIAN])
def test_nobody_but_exits_orders_a_release(world: RollupWorld, key: Key) -> None:
    refused = "custody: caller is not the exits contract"
    assert world.rollup.refusal(key, "release_eth", key.address, 1) == refused
    token = (world.token.address, TOKEN_ID, key.address)
    assert world.rollup.refusal(key, "release_token", *token) == refused


def test_exits_of_another_rollup_are_refused_at_deployment(world: RollupWorld) -> None:
    outcome = world.l1.transact(POSTER, None, rollup_init_code(world.settings))
    assert outcome.reason == "rollup: the exits contract is another rollup's"
