"""What L1 brings: deposits are no inflow, and a forced transaction is tried first or not taken."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bridge.outbox import message_leaf
from bridge.work import Delivery
from contracts import PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.bindings import deliver_call
from execution.block_data import BatchBlock, extend_chain
from execution.errors import WitnessRejectedError
from execution.statement import ETH, Accumulators
from execution.types import Address, BlockInput, BlockOutput, Hash32, SystemTransaction
from execution.witness import build_witness, encode_witness, run_batch
from ledger.crossing import FORCED_TRANSACTION_ADDRESS, Message
from ledger.hashing import keccak
from ledger.types import ChainId
from tests.differential.guest.batches import L1_CHAIN_ID
from tests.differential.guest.game import ETHER, PLAYERS, Game
from tests.differential.guest.machine import exit_code, run_guest
from tests.differential.guest.test_guest_crossings import inbound_hash, proved

FORCED_NOT_FIRST, TWO_FORCED, GAS_LIMIT_CHANGED = 9, 10, 11
DEPOSITOR = Address(b"\x77" * 20)
RECEIVER = Address(b"\x12" * 20)
REFUSING = ROUND_GUARD_ADDRESS
"""Takes no plain value."""


class L1Game(Game):
    """The worked example, with a queue on L1."""

    def __init__(self) -> None:
        super().__init__()
        self.l1_nonce = 0

    def deposit(self, target: bytes, value_wei: int) -> Message:
        """The next entry of L1's queue, with value."""
        message = Message(
            ChainId(L1_CHAIN_ID),
            self.l1_nonce,
            DEPOSITOR,
            Address(target),
            value_wei,
            100_000,
            b"",
        )
        self.l1_nonce += 1
        return message

    def forced(self, raw: bytes) -> Message:
        """The next entry of L1's queue, with a transaction."""
        bare = self.deposit(FORCED_TRANSACTION_ADDRESS, 0)
        return replace(bare, gas_limit=0, data=raw)

    def pay(self, key_number: int, value_wei: int = 1) -> bytes:
        return self.call(PLAYERS[key_number], RECEIVER, value_wei=value_wei, gas_limit=21_000)

    def tried(self, messages: Sequence[Message], *transactions: bytes) -> BlockOutput:
        """A block that delivers entries; its transactions may be skipped."""
        return self.chain.execute(transactions, self.system(messages), may_skip=True)

    def system(self, messages: Sequence[Message]) -> list[SystemTransaction]:
        calls = []
        for message in messages:
            call = deliver_call(message)
            calls.append(SystemTransaction(self.system_nonce, PORTAL_ADDRESS, 1_500_000, call))
            self.system_nonce += 1
        return calls

    @property
    def last(self) -> int:
        """Number of the newest block."""
        return len(self.chain.blocks)


def rewritten(game: Game, change: Callable[[BlockInput], BlockInput]) -> bytes:
    """Witness of the newest block as another author would have it."""
    entry = game.chain.blocks[-1]
    changed = BatchBlock(change(entry.block), entry.certificates)
    engine, spec = game.chain.engines.wasm, game.chain.spec
    return encode_witness(build_witness(engine, spec, [changed], L1_CHAIN_ID, Accumulators()))


def with_transactions(*transactions: bytes) -> Callable[[BlockInput], BlockInput]:
    return lambda block: replace(
        block, transactions=transactions, senders=(None,) * len(transactions)
    )


def assert_refused(witness: bytes, code: int, reason: str) -> None:
    """Alike in the module that executors run and on the machine that is proved."""
    with pytest.raises(WitnessRejectedError, match=reason):
        run_batch(witness)
    assert exit_code(witness) == code


# DEPOSITS


def test_deposits_are_chained_like_l1s_queue_and_are_no_inflow() -> None:
    game = L1Game()
    entries = [game.deposit(RECEIVER, 3 * ETHER), game.deposit(RECEIVER, 0)]
    value = game.message(PLAYERS[0].address, value_wei=2 * ETHER)
    game.block(items=[Delivery(message) for message in (*entries, value)])
    assert game.chain.engines.wasm.accounts([RECEIVER])[0].balance_wei == 3 * ETHER

    statement = proved(game, game.last, game.last)
    assert statement.l1_chain_id == L1_CHAIN_ID
    assert statement.after.deposits == inbound_hash(entries)
    assert statement.after.inbound == inbound_hash([value])
    assert statement.inflows == {ETH: 2 * ETHER}


def test_the_chain_of_deposits_goes_on_from_batch_to_batch() -> None:
    game = L1Game()
    entries = [game.deposit(RECEIVER, value) for value in range(1, 4)]
    game.block(items=[Delivery(message) for message in entries[:2]])
    game.block(items=[Delivery(entries[2])])
    whole = proved(game, game.last - 1, game.last)
    first = proved(game, game.last - 1, game.last - 1)
    assert first.after.deposits == inbound_hash(entries[:2])
    leaf = Hash32(keccak(message_leaf(entries[2])))
    assert whole.after.deposits == extend_chain(first.after.deposits, [leaf])
    assert whole.after.deposits == inbound_hash(entries)


def test_a_deposit_that_is_refused_counts_as_taken_and_brings_nothing_in() -> None:
    game = L1Game()
    refused = game.deposit(REFUSING, ETHER)
    game.block(items=[Delivery(refused)])
    statement = proved(game, game.last, game.last)
    assert statement.after.deposits == inbound_hash([refused])
    assert statement.inflows == {}


def test_an_entry_that_the_portal_does_not_take_is_not_taken() -> None:
    game = L1Game()
    game.l1_nonce = 1
    game.tried([game.deposit(RECEIVER, ETHER), game.forced(game.pay(0))])
    statement = proved(game, game.last, game.last)
    assert statement.after.deposits == Accumulators().deposits
    assert game.chain.engines.wasm.accounts([RECEIVER])[0].balance_wei == 0


# FORCED TRANSACTIONS


def test_a_forced_transaction_that_comes_first_is_proved() -> None:
    game = L1Game()
    deposit, raw, other = game.deposit(RECEIVER, 5), game.pay(0, 7), game.pay(1, 11)
    entries = [deposit, game.forced(raw)]
    output = game.tried(entries, raw, other)
    assert output.skipped == ()
    assert proved(game, game.last, game.last).after.deposits == inbound_hash(entries)
    assert game.chain.engines.wasm.accounts([RECEIVER])[0].balance_wei == 5 + 7 + 11


@pytest.mark.parametrize("raw", [b"\xff", b"\x7e\xc0", b"\x02\xc0", bytes(8192)])
def test_one_that_is_no_transaction_is_tried_and_proved(raw: bytes) -> None:
    game = L1Game()
    entry = game.forced(raw)
    output = game.tried([entry], raw, game.pay(0))
    assert [skipped.index for skipped in output.skipped] == [0]
    assert proved(game, game.last, game.last).after.deposits == inbound_hash([entry])


def test_one_that_comes_too_early_is_tried_and_may_come_again_later_in_the_block() -> None:
    game = L1Game()
    first, second = game.pay(0, 3), game.pay(0, 4)
    output = game.tried([game.forced(second)], second, first, second)
    assert [skipped.index for skipped in output.skipped] == [0]
    proved(game, game.last, game.last)
    assert game.chain.engines.wasm.accounts([RECEIVER])[0].balance_wei == 7


def test_a_block_that_leaves_a_forced_transaction_out_proves_nothing() -> None:
    game = L1Game()
    raw, other = game.pay(0), game.pay(1)
    game.tried([game.forced(raw)], raw, other)
    run_guest(rewritten(game, with_transactions(raw, other)))
    for attempt in (
        with_transactions(),
        with_transactions(other),
        with_transactions(other, raw),
        with_transactions(raw[:-1] + bytes([raw[-1] ^ 1]), other),
        with_transactions(raw + b"\0"),
        with_transactions(b"", raw),
    ):
        assert_refused(rewritten(game, attempt), FORCED_NOT_FIRST, "does not begin with")


def test_a_block_that_delivers_two_proves_nothing() -> None:
    """The first could take all the gas."""
    game = L1Game()
    raws = [game.pay(0), game.pay(1)]
    game.tried([game.forced(raws[0]), game.forced(raws[1])], *raws)
    witness = rewritten(game, with_transactions(*raws))
    assert_refused(witness, TWO_FORCED, "more than one forced transaction")


def test_a_block_with_another_gas_limit_proves_nothing() -> None:
    """With a low one, a forced transaction would be first and skipped all the same."""
    game = L1Game()
    raw = game.pay(0)
    game.tried([game.forced(raw)], raw)
    for gas_limit in (20_999, game.chain.spec.gas_limit - 1, game.chain.spec.gas_limit + 1):
        witness = rewritten(game, lambda block, limit=gas_limit: replace(block, gas_limit=limit))
        assert_refused(witness, GAS_LIMIT_CHANGED, "another gas limit")


def test_the_fast_chain_forces_nothing() -> None:
    game = L1Game()
    raw = game.pay(0)
    message = game.message(FORCED_TRANSACTION_ADDRESS, raw, gas_limit=0)
    game.block(items=[Delivery(message)])
    statement = proved(game, game.last, game.last)
    assert statement.after.inbound == inbound_hash([message])
