"""Past the escape deadline everyone leaves with what the last final state root shows."""

from typing import Any

import pytest
from attackers import deploy_attacker

from contracts import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS
from contracts.bridged_tokens import (
    bridged_token_id,
    send_to_fast_call,
    token_locked_by_slot,
    token_owner_slot,
)
from contracts.withdrawals import withdraw_call, withdrawal_slot
from execution.types import Address
from ledger.crossing import Message
from tests.support.engine_chain import ETHER, Key
from tests.support.rollup_world import (
    ALICE,
    BOB,
    ESCAPE_SECONDS,
    GUARDIAN,
    MALLORY,
    OWNER,
    POSTER,
    ZK_GENESIS_WEI,
    Batch,
    RollupWorld,
    prove_arguments,
)

CAROL = Key("carol")
TOKEN_ID = 7
ZERO = Address(bytes(20))


def settled_world(world: RollupWorld) -> Batch:
    """Alice has 3 ether more and a token, all final; then her transaction is left out."""
    world.deposit_eth(ALICE, 3 * ETHER)
    world.deposit_token(ALICE, TOKEN_ID)
    world.deliver()
    batch = world.settle()
    world.enqueue(world.rollup.must(ALICE, "force_transaction", b"left out"))
    return batch


def escape_balance(
    world: RollupWorld, account: Key, receiver: Address, signature: bytes = b""
) -> tuple[Any, ...]:
    """Arguments of ``escape_balance``."""
    account_proof, _ = world.proof(account.address)
    return account.address, receiver, account_proof, signature


def escape_token(
    world: RollupWorld,
    account: Key,
    receiver: Address,
    is_locked: bool = False,
    signature: bytes = b"",
) -> tuple[Any, ...]:
    """Arguments of ``escape_token``."""
    twin = bridged_token_id(world.token.address, TOKEN_ID)
    slot = token_locked_by_slot(twin) if is_locked else token_owner_slot(twin)
    token = (world.token.address, TOKEN_ID)
    proofs = world.proof(BRIDGED_TOKENS_ADDRESS, slot)
    return (account.address, receiver, *token, is_locked, *proofs, signature)


def reclaim(message: Message, receiver: Address) -> tuple[Any, ...]:
    """Arguments of ``reclaim_deposit``."""
    return (
        message.nonce,
        message.sender,
        message.target,
        message.value_wei,
        message.gas_limit,
        message.data,
        receiver,
    )


# ---- OPENING ----


def test_the_hatch_opens_only_past_the_deadline(world: RollupWorld) -> None:
    settled_world(world)
    world.l1.pass_time(ESCAPE_SECONDS)
    assert world.rollup.refusal(ALICE, "open_escape_hatch") == (
        "rollup: the escape deadline has not passed"
    )
    world.l1.pass_time(1)
    outcome = world.rollup.must(ALICE, "open_escape_hatch")
    (event,) = world.rollup.events(outcome, "EscapeHatchOpened")
    assert event["nonce"] == 2
    assert event["state_root"] == world.rollup.view("final_state_root")
    assert world.rollup.refusal(BOB, "open_escape_hatch") == "rollup: the escape hatch is open"


def test_the_hatch_stays_shut_while_nothing_waits(world: RollupWorld) -> None:
    world.deposit_eth(ALICE, ETHER)
    world.deliver()
    world.settle()
    world.l1.pass_time(10 * ESCAPE_SECONDS)
    assert world.rollup.refusal(ALICE, "open_escape_hatch") == (
        "rollup: nothing waits in the queue"
    )


def test_consuming_the_oldest_entry_keeps_the_hatch_shut(world: RollupWorld) -> None:
    world.deposit_eth(ALICE, ETHER)
    world.l1.pass_time(ESCAPE_SECONDS // 2)
    world.deposit_eth(ALICE, ETHER)
    world.deliver()
    world.l1.pass_time(ESCAPE_SECONDS)
    world.settle()
    assert world.rollup.refusal(ALICE, "open_escape_hatch") == (
        "rollup: nothing waits in the queue"
    )


def test_a_pause_does_not_stop_the_escape_clock(world: RollupWorld) -> None:
    settled_world(world)
    world.l1.pass_time(ESCAPE_SECONDS)
    world.rollup.must(GUARDIAN, "pause", 86_400)
    world.l1.pass_time(1)
    assert world.rollup.view("is_paused")
    world.rollup.must(ALICE, "open_escape_hatch")
    world.exits.must(ALICE, "escape_balance", *escape_balance(world, ALICE, CAROL.address))


def test_nothing_settles_and_nothing_is_deposited_any_more(world: RollupWorld) -> None:
    settled_world(world)
    world.zk.block()
    batch = world.batch()
    world.commit(batch)
    world.prove(batch)
    world.open_escape_hatch()
    root = world.rollup.view("final_state_root")
    for function, arguments in (
        ("deposit", (CAROL.address, 0, b"")),
        ("deposit_eth", (CAROL.address,)),
        ("deposit_token", (world.token.address, 8, CAROL.address)),
        ("force_transaction", (b"raw",)),
        ("commit_batch", world.commit_arguments(batch)),
        ("prove_batch", prove_arguments(batch)),
        ("finalize_batch", (batch.id, batch.consumed)),
    ):
        assert world.rollup.refusal(ALICE, function, *arguments) == (
            "rollup: the escape hatch is open"
        )
    assert world.rollup.view("final_state_root") == root


# ---- BALANCES ----


def test_a_user_leaves_with_the_exact_balance(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    outcome = world.exits.must(
        ALICE, "escape_balance", *escape_balance(world, ALICE, CAROL.address)
    )
    assert world.l1.balance_wei(CAROL.address) == ZK_GENESIS_WEI + 3 * ETHER
    (event,) = world.exits.events(outcome, "EscapedBalance")
    assert event["value_wei"] == ZK_GENESIS_WEI + 3 * ETHER
    world.exits.must(BOB, "escape_balance", *escape_balance(world, BOB, CAROL.address))
    assert world.l1.balance_wei(CAROL.address) == 2 * ZK_GENESIS_WEI + 3 * ETHER


def test_a_balance_leaves_once(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    world.exits.must(ALICE, "escape_balance", *escape_balance(world, ALICE, CAROL.address))
    again = escape_balance(world, ALICE, MALLORY.address)
    assert world.exits.refusal(ALICE, "escape_balance", *again) == "exits: the account has escaped"
    assert world.l1.balance_wei(CAROL.address) == ZK_GENESIS_WEI + 3 * ETHER


def test_no_balance_leaves_while_the_hatch_is_shut(world: RollupWorld) -> None:
    settled_world(world)
    world.l1.pass_time(ESCAPE_SECONDS + 1)
    shut = "exits: the escape hatch is not open"
    balance = escape_balance(world, ALICE, CAROL.address)
    assert world.exits.refusal(ALICE, "escape_balance", *balance) == shut
    token = escape_token(world, ALICE, CAROL.address)
    assert world.exits.refusal(ALICE, "escape_token", *token) == shut
    entry = reclaim(world.queue[0], ALICE.address)
    assert world.exits.refusal(ALICE, "reclaim_deposit", *entry) == shut


def test_only_the_account_itself_leaves(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    stolen = escape_balance(world, ALICE, MALLORY.address)
    assert world.exits.refusal(MALLORY, "escape_balance", *stolen) == (
        "exits: caller is not the account"
    )
    zero = escape_balance(world, ALICE, ZERO)
    assert world.exits.refusal(ALICE, "escape_balance", *zero) == "exits: zero receiver"


def test_anyone_may_carry_a_signed_exit_to_l1(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    digest = world.exits.view("exit_digest", ALICE.address, CAROL.address, ZERO, 0)
    signature = ALICE.sign_digest(digest)
    redirected = escape_balance(world, ALICE, MALLORY.address, signature)
    not_signed = "exits: not signed by the account"
    assert world.exits.refusal(MALLORY, "escape_balance", *redirected) == not_signed
    by_another = escape_balance(world, ALICE, CAROL.address, MALLORY.sign_digest(digest))
    assert world.exits.refusal(MALLORY, "escape_balance", *by_another) == not_signed
    garbage = escape_balance(world, ALICE, CAROL.address, bytes(65))
    assert world.exits.refusal(MALLORY, "escape_balance", *garbage) == not_signed
    short = escape_balance(world, ALICE, CAROL.address, signature[:64])
    assert world.exits.refusal(MALLORY, "escape_balance", *short) == (
        "exits: signature is not 65 bytes"
    )
    carried = escape_balance(world, ALICE, CAROL.address, signature)
    world.exits.must(MALLORY, "escape_balance", *carried)
    assert world.l1.balance_wei(CAROL.address) == ZK_GENESIS_WEI + 3 * ETHER


def test_the_proof_of_another_account_is_refused(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    account_proof, _ = world.proof(PORTAL_ADDRESS)
    forged = (MALLORY.address, MALLORY.address, account_proof, b"")
    assert world.exits.refusal(MALLORY, "escape_balance", *forged).startswith("mpt:")


def test_a_balance_that_is_not_final_does_not_leave(world: RollupWorld) -> None:
    settled_world(world)
    world.zk.transact(BOB, ALICE.address, b"", 5 * ETHER)
    world.open_escape_hatch()
    account_proof, _ = world.proof(ALICE.address, number=world.zk.head)
    richer = (ALICE.address, CAROL.address, account_proof, b"")
    assert world.exits.refusal(ALICE, "escape_balance", *richer) == "mpt: node has another hash"


def test_an_account_without_a_balance_takes_nothing_out(world: RollupWorld) -> None:
    world.deposit_eth(MALLORY, 1)
    world.deliver()
    world.zk.transact(MALLORY, BOB.address, b"", 1)
    settled_world(world)
    world.open_escape_hatch()
    empty = escape_balance(world, MALLORY, MALLORY.address)
    assert world.exits.refusal(MALLORY, "escape_balance", *empty) == "exits: no balance"


def test_the_genesis_itself_can_be_left(world: RollupWorld) -> None:
    world.enqueue(world.rollup.must(ALICE, "force_transaction", b"left out"))
    world.open_escape_hatch()
    world.exits.must(ALICE, "escape_balance", *escape_balance(world, ALICE, CAROL.address))
    assert world.l1.balance_wei(CAROL.address) == ZK_GENESIS_WEI


def test_who_escapes_cannot_enter_again_while_paid(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    attacker = deploy_attacker(world)
    digest = world.exits.view("exit_digest", ALICE.address, attacker.address, ZERO, 0)
    signature = ALICE.sign_digest(digest)
    arguments = escape_balance(world, ALICE, attacker.address, signature)
    call = world.exits.encode_call("escape_balance", *arguments)
    attacker.must(MALLORY, "arm", world.exits.address, call)
    world.exits.must(MALLORY, "escape_balance", *arguments)
    assert attacker.view("call_count") == 1
    assert not attacker.view("has_succeeded")
    assert world.l1.balance_wei(attacker.address) == ZK_GENESIS_WEI + 3 * ETHER


# ---- TOKENS AND WITHDRAWALS ----


def test_a_token_leaves_with_its_owner_once(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    arguments = escape_token(world, ALICE, CAROL.address)
    world.exits.must(ALICE, "escape_token", *arguments)
    assert world.token.view("ownerOf", TOKEN_ID) == "0x" + CAROL.address.hex()
    assert world.exits.refusal(ALICE, "escape_token", *arguments) == (
        "custody: the token is not here"
    )


def test_only_the_owner_takes_a_token(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    stolen = escape_token(world, MALLORY, MALLORY.address)
    assert world.exits.refusal(MALLORY, "escape_token", *stolen) == (
        "exits: the token is not the account's"
    )
    not_locked = escape_token(world, ALICE, CAROL.address, is_locked=True)
    assert world.exits.refusal(ALICE, "escape_token", *not_locked).startswith("mpt:")


def test_a_signed_exit_of_a_balance_is_none_of_a_token(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    of_balance = world.exits.view("exit_digest", ALICE.address, CAROL.address, ZERO, 0)
    wrong = escape_token(world, ALICE, CAROL.address, signature=ALICE.sign_digest(of_balance))
    assert world.exits.refusal(BOB, "escape_token", *wrong) == "exits: not signed by the account"
    token = (world.token.address, TOKEN_ID)
    of_token = world.exits.view("exit_digest", ALICE.address, CAROL.address, *token)
    right = escape_token(world, ALICE, CAROL.address, signature=ALICE.sign_digest(of_token))
    world.exits.must(BOB, "escape_token", *right)


def test_a_token_on_the_fast_chain_leaves_with_who_sent_it_there(world: RollupWorld) -> None:
    world.deposit_token(ALICE, TOKEN_ID)
    world.deliver()
    twin = bridged_token_id(world.token.address, TOKEN_ID)
    world.zk.transact(ALICE, BRIDGED_TOKENS_ADDRESS, send_to_fast_call(twin, BOB.address))
    world.settle()
    world.enqueue(world.rollup.must(ALICE, "force_transaction", b"left out"))
    world.open_escape_hatch()
    as_owner = escape_token(world, ALICE, CAROL.address)
    assert world.exits.refusal(ALICE, "escape_token", *as_owner) == (
        "exits: the token is not the account's"
    )
    as_receiver = escape_token(world, BOB, BOB.address, is_locked=True)
    assert world.exits.refusal(BOB, "escape_token", *as_receiver) == (
        "exits: the token is not the account's"
    )
    world.exits.must(
        ALICE, "escape_token", *escape_token(world, ALICE, CAROL.address, is_locked=True)
    )
    assert world.token.view("ownerOf", TOKEN_ID) == "0x" + CAROL.address.hex()


def test_a_withdrawal_is_still_paid_and_not_counted_twice(world: RollupWorld) -> None:
    world.zk.transact(ALICE, PORTAL_ADDRESS, withdraw_call(CAROL.address), 40 * ETHER)
    world.settle()
    world.enqueue(world.rollup.must(ALICE, "force_transaction", b"left out"))
    world.open_escape_hatch()
    proofs = world.proof(PORTAL_ADDRESS, withdrawal_slot(0))
    fields = (0, ALICE.address, CAROL.address, 40 * ETHER, ZERO, 0)
    world.exits.must(POSTER, "withdraw", *fields, *proofs)
    world.exits.must(ALICE, "escape_balance", *escape_balance(world, ALICE, CAROL.address))
    assert world.l1.balance_wei(CAROL.address) == ZK_GENESIS_WEI


# ---- DEPOSITS THAT NOBODY TOOK ----


def test_a_deposit_that_was_not_consumed_goes_back_once(world: RollupWorld) -> None:
    settled_world(world)
    waiting = world.deposit_eth(BOB, 2 * ETHER, receiver=ALICE)
    world.open_escape_hatch()
    arguments = reclaim(waiting, CAROL.address)
    for thief in (ALICE, MALLORY):
        assert world.exits.refusal(thief, "reclaim_deposit", *arguments) == (
            "exits: caller is not the depositor"
        )
    world.exits.must(BOB, "reclaim_deposit", *arguments)
    assert world.l1.balance_wei(CAROL.address) == 2 * ETHER
    assert world.exits.refusal(BOB, "reclaim_deposit", *arguments) == ("exits: already reclaimed")


def test_a_deposit_that_was_consumed_does_not_go_back(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    consumed = reclaim(world.queue[0], ALICE.address)
    assert world.exits.refusal(ALICE, "reclaim_deposit", *consumed) == (
        "exits: the entry was consumed"
    )


def test_no_field_of_a_reclaimed_deposit_can_be_changed(world: RollupWorld) -> None:
    settled_world(world)
    waiting = world.deposit_eth(MALLORY, ETHER)
    world.open_escape_hatch()
    honest = reclaim(waiting, MALLORY.address)
    changes = {1: MALLORY.address, 2: BOB.address, 3: 50 * ETHER, 4: 7, 5: b"x"}
    for at, value in changes.items():
        forged = (*honest[:at], value, *honest[at + 1 :])
        if forged == honest:
            continue
        assert world.exits.refusal(MALLORY, "reclaim_deposit", *forged) == "exits: another entry"
    beyond = (waiting.nonce + 1, *honest[1:])
    assert not world.exits.transact(MALLORY, "reclaim_deposit", *beyond).is_success


def test_a_forced_transaction_has_nothing_to_give_back(world: RollupWorld) -> None:
    settled_world(world)
    world.open_escape_hatch()
    forced = reclaim(world.queue[2], ALICE.address)
    assert world.exits.refusal(ALICE, "reclaim_deposit", *forced) == "exits: no value"


def test_a_token_that_was_not_consumed_goes_back_to_who_deposited_it(world: RollupWorld) -> None:
    world.enqueue(world.rollup.must(ALICE, "force_transaction", b"left out"))
    waiting = world.deposit_token(ALICE, TOKEN_ID)
    world.open_escape_hatch()
    arguments = reclaim(waiting, CAROL.address)
    assert world.exits.refusal(MALLORY, "reclaim_deposit", *arguments) == (
        "exits: caller is not the depositor"
    )
    world.exits.must(ALICE, "reclaim_deposit", *arguments)
    assert world.token.view("ownerOf", TOKEN_ID) == "0x" + CAROL.address.hex()
    assert world.exits.refusal(ALICE, "reclaim_deposit", *arguments) == "exits: already reclaimed"


@pytest.mark.parametrize("key", [OWNER, GUARDIAN])
def test_neither_owner_nor_guardian_closes_the_hatch(world: RollupWorld, key: Key) -> None:
    settled_world(world)
    if key is OWNER:
        world.rollup.must(OWNER, "propose", 1, MALLORY.address, 0, 0)
        world.open_escape_hatch()
        world.l1.pass_time(world.settings.timelock_seconds)
        world.rollup.must(OWNER, "execute", 1, MALLORY.address, 0, 0)
    else:
        world.open_escape_hatch()
        world.rollup.must(GUARDIAN, "pause", 86_400)
    world.exits.must(ALICE, "escape_balance", *escape_balance(world, ALICE, CAROL.address))
    world.exits.must(ALICE, "escape_token", *escape_token(world, ALICE, CAROL.address))


def test_everyone_together_can_leave(world: RollupWorld) -> None:
    """What leaves is what came in: the Rollup ends with what the fast chain's accounts hold."""
    settled_world(world)
    waiting = world.deposit_eth(BOB, ETHER)
    world.open_escape_hatch()
    for key in (ALICE, BOB):
        world.exits.must(key, "escape_balance", *escape_balance(world, key, CAROL.address))
    world.exits.must(BOB, "reclaim_deposit", *reclaim(waiting, CAROL.address))
    locked = world.zk.portal.view("locked_wei")
    assert world.l1.balance_wei(world.rollup.address) == locked
