"""What crosses the border of the ZK chain is counted from what was executed."""

from collections.abc import Sequence
from dataclasses import replace

from bridge.outbox import message_leaf, outbox_root
from bridge.work import Delivery, SetCapHalvings, SetQuarantine
from contracts import PORTAL_ADDRESS, ROUND_GUARD_ADDRESS, artifact
from contracts.bindings import deliver_call, retry_call
from execution.block_data import extend_chain
from execution.statement import (
    ETH,
    Accumulators,
    RoundTotals,
    Statement,
    combine,
    describe,
)
from execution.types import Hash32, SystemTransaction
from execution.witness import encode_witness, run_batch
from ledger.crossing import Message
from ledger.hashing import keccak
from ledger.types import BlockNumber
from tests.differential.assembler import assemble, return_data
from tests.differential.guest.batches import L1_CHAIN_ID
from tests.differential.guest.game import (
    BUYER,
    ETHER,
    MARKET_CAP,
    PLAYERS,
    SELLER,
    Game,
    call_data,
    sent_messages,
)
from tests.differential.guest.machine import run_guest

REFUSING = ROUND_GUARD_ADDRESS
"""Takes no plain value."""


def proved(game: Game, first: int, last: int) -> Statement:
    """Statement of a batch, which the guest proves as the wasm module states it."""
    batch = game.chain.batch(first, last)
    witness = encode_witness(batch.witness())
    statement = run_batch(witness)
    assert run_guest(witness).proves(statement)
    plain = batch.statement()
    assert statement.new_state_root == plain.new_state_root
    assert statement.last_block_hash == plain.last_block_hash
    assert statement.after.block_data == plain.after.block_data
    assert statement.after.certificates == plain.after.certificates
    return statement


def inbound_hash(messages: Sequence[Message]) -> Hash32:
    leaves = (Hash32(keccak(message_leaf(message))) for message in messages)
    return extend_chain(Hash32(bytes(32)), leaves)


def test_ten_mixed_transactions_of_the_worked_example_are_proved() -> None:
    game = Game()
    game.deliver(game.report(1, [SELLER]))
    listing = (game.trophy, 0, ETHER)
    game.block(
        [
            game.call_contract(SELLER, "Trophy", "approve", game.market, 0),
            game.call_contract(SELLER, "Market", "list_token", *listing),
        ]
    )
    start = len(game.chain.blocks) + 1
    mixed = [
        *(game.call(key, BUYER.address, value_wei=5, gas_limit=21_000) for key in PLAYERS[:5]),
        game.call_contract(BUYER, "Market", "buy", game.trophy, 0, value_wei=ETHER),
        game.call_contract(
            PLAYERS[5], "Portal", "send", PLAYERS[6].address, 50_000, b"", value_wei=ETHER
        ),
    ]
    report = game.report(1, PLAYERS[:3])
    value = game.message(PLAYERS[0].address, value_wei=2 * ETHER)
    payout = game.payout(1, PLAYERS[1], ETHER // 2)
    game.deliver(report)
    output = game.block(mixed, [Delivery(value), Delivery(payout)])

    statement = proved(game, start, start + 1)
    assert statement.inflows == {ETH: 2 * ETHER}
    assert statement.rounds == {1: RoundTotals(3, ETHER // 2)}
    assert statement.after.inbound == inbound_hash([report, value, payout])
    assert statement.after.deposits == Accumulators().deposits
    root = outbox_root(sent_messages(output))
    assert statement.after.outbox == extend_chain(Hash32(bytes(32)), [root])
    assert "Round 1 was granted 3 trophies" in describe(statement)


def test_totals_of_a_chain_of_batches_are_those_of_the_whole() -> None:
    game = Game()
    start = len(game.chain.blocks) + 1
    game.deliver(game.report(1, PLAYERS[:2]), game.message(PLAYERS[0].address, value_wei=7))
    game.block([game.call_contract(PLAYERS[0], "Portal", "send", PLAYERS[1].address, 50_000, b"")])
    game.open_round(3, 0)
    game.deliver(game.report(2, PLAYERS[:5]), game.message(PLAYERS[1].address, value_wei=8))
    last = len(game.chain.blocks)

    whole = proved(game, start, last)
    assert whole.inflows == {ETH: 15}
    assert whole.rounds == {1: RoundTotals(2, 0), 2: RoundTotals(3, 0)}

    statements = []
    before = Accumulators()
    for number in range(start, last + 1):
        part = run_batch(encode_witness(game.chain.batch(number, number).witness(before)))
        statements.append(part)
        before = part.after
    assert combine(statements) == whole


def test_what_is_not_granted_is_not_counted() -> None:
    game = Game()
    game.open_round(2, ETHER)
    start = len(game.chain.blocks) + 1
    game.deliver(game.report(2, PLAYERS[:5]))
    statement = proved(game, start, start)
    assert statement.rounds == {2: RoundTotals(2, 0)}


def test_of_a_report_over_the_proving_budget_nothing_is_granted() -> None:
    """More trophies than one message may cost to prove: it is parked, whatever gas it brings."""
    game = Game()
    start = len(game.chain.blocks) + 1
    game.deliver(game.report(1, PLAYERS * 6))
    statement = proved(game, start, start)
    assert statement.rounds == {}


def test_a_message_whose_call_fails_brings_no_value_in() -> None:
    game = Game()
    start = len(game.chain.blocks) + 1
    refused = game.message(REFUSING, value_wei=ETHER)
    output = game.deliver(refused)
    (returned,) = sent_messages(output)
    assert returned.value_wei == ETHER

    statement = proved(game, start, start)
    assert statement.inflows == {}
    assert statement.after.inbound == inbound_hash([refused])
    assert statement.after.outbox == extend_chain(Hash32(bytes(32)), [outbox_root([returned])])


def test_value_that_the_fast_chain_could_not_deliver_counts_when_it_returns() -> None:
    game = Game()
    sent = game.block(
        [
            game.call_contract(
                PLAYERS[0], "Portal", "send", PLAYERS[1].address, 50_000, b"", value_wei=9
            )
        ]
    )
    (message,) = sent_messages(sent)
    start = len(game.chain.blocks) + 1
    game.deliver(
        game.message(
            PLAYERS[0].address,
            message.nonce.to_bytes(32, "big"),
            value_wei=9,
            sender=PORTAL_ADDRESS,
            gas_limit=50_000,
        )
    )
    assert proved(game, start, start).inflows == {ETH: 9}


def test_tightened_caps_bound_what_a_proof_counts() -> None:
    game = Game()
    start = len(game.chain.blocks) + 1
    game.block(
        items=[
            SetCapHalvings(3),
            Delivery(game.report(1, PLAYERS)),
            Delivery(game.payout(1, PLAYERS[0], 2 * ETHER)),
        ]
    )
    assert proved(game, start, start).rounds == {1: RoundTotals(MARKET_CAP >> 3, ETHER // 4)}


def test_a_delivery_that_reverts_is_no_delivery() -> None:
    game = Game()
    game.block(items=[SetQuarantine(True, BlockNumber(0))])
    message = game.message(PLAYERS[0].address, value_wei=5)
    start = len(game.chain.blocks) + 1
    call = SystemTransaction(99, PORTAL_ADDRESS, 3_000_000, deliver_call(message))
    output = game.chain.execute(system=[call])
    assert not output.receipts[0].is_success

    statement = proved(game, start, start)
    assert statement.inflows == {}
    assert statement.after.inbound == Accumulators().inbound


def test_a_parked_report_counts_in_the_block_that_retries_it() -> None:
    game = Game()
    start = len(game.chain.blocks) + 1
    arguments = call_data("RoundGuard", "report", 1, [PLAYERS[0].address])
    starved = game.message(ROUND_GUARD_ADDRESS, arguments, gas_limit=3_000)
    game.deliver(starved)
    assert proved(game, start, start).rounds == {}
    game.block([game.call(PLAYERS[3], PORTAL_ADDRESS, retry_call(starved))])
    assert proved(game, start + 1, start + 1).rounds == {1: RoundTotals(1, 0)}


def test_messages_of_l1_are_deposits_and_others_are_not() -> None:
    game = Game()
    start = len(game.chain.blocks) + 1
    message = game.message(PLAYERS[0].address, value_wei=5)
    game.deliver(message)
    batch = game.chain.batch(start, start)
    witness = batch.witness()
    assert witness.l1_chain_id == L1_CHAIN_ID

    as_l1 = run_batch(encode_witness(replace(witness, l1_chain_id=message.source_chain_id)))
    assert as_l1.after.deposits == inbound_hash([message])
    assert as_l1.after.inbound == Accumulators().inbound
    as_fast = run_batch(encode_witness(witness))
    assert as_fast.after.deposits == Accumulators().deposits
    assert as_fast.after.inbound == inbound_hash([message])


def test_named_certificates_are_bound_in_order() -> None:
    game = Game()
    start = len(game.chain.blocks) + 1
    names = [Hash32(keccak(bytes([at]))) for at in range(3)]
    game.block(certificates=names)
    statement = proved(game, start, start)
    assert statement.after.certificates == extend_chain(Hash32(bytes(32)), names)
    assert statement.after.certificates != extend_chain(Hash32(bytes(32)), reversed(names))


def test_a_contract_that_imitates_the_predeploys_logs_is_not_counted() -> None:
    game = Game()
    topic = keccak(b"Reported(uint256,uint256,uint256)")
    code = assemble(10, 0, "MSTORE", 10, 32, "MSTORE", 1, topic, 64, 0, "LOG2", "STOP")
    initcode = return_data(code)
    created = game.block([game.call(PLAYERS[0], None, initcode)]).receipts[0].contract_address
    start = len(game.chain.blocks) + 1
    output = game.block([game.call(PLAYERS[1], created)])
    (log,) = output.receipts[0].logs
    assert log.topics[0] == topic
    assert proved(game, start, start).rounds == {}


def test_the_guest_knows_the_events_that_the_contracts_declare() -> None:
    declared = {
        event["name"] + "(" + ",".join(entry["type"] for entry in event["inputs"]) + ")"
        for name in ("Portal", "RoundGuard")
        for event in artifact(name).abi
        if event["type"] == "event"
    }
    assert {
        "MessageSent(uint256,address,address,uint256,uint256,bytes)",
        "MessageDelivered(uint256)",
        "ValueReturned(uint256,address,uint256,bool)",
        "Reported(uint256,uint256,uint256)",
        "PaidOut(uint256,uint256,uint256)",
    } <= declared
