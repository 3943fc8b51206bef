"""The fullest block that honest leaders make of ordinary traffic fits into one proof."""

import pytest

from actors.validator.proposer import CYCLES_PER_TRANSACTION, PROVABLE_CYCLES
from bridge.work import count_deliverable, delivery_cycles
from execution import skip_reasons
from execution.types import Address
from execution.witness import encode_witness
from ledger.crossing import Message
from ledger.hashing import keccak
from ledger.types import ChainRole
from proving.machine.layout import MAXIMUM_CYCLES
from tests.differential.guest.game import PLAYERS
from tests.differential.guest.machine import run_guest
from tests.differential.guest.test_guest_forced import L1Game


def stranger(number: int) -> Address:
    """An address that the state does not know yet: the most expensive receiver."""
    return Address(keccak(b"stranger %d" % number)[:20])


def deliverable(game: L1Game, kind: str) -> tuple[Message, ...]:
    """As many messages as one block delivers."""
    make = {
        "nothing": lambda number: None,
        "deposits": lambda number: game.deposit(stranger(number), 1),
        "messages with value": lambda number: game.message(
            stranger(number), value_wei=1, gas_limit=0
        ),
        "long messages": lambda number: game.message(
            stranger(number), bytes(range(256)) * 32, gas_limit=0
        ),
        "returned messages": lambda number: game.message(
            b"\x00" * 19 + b"\x99", value_wei=1, gas_limit=0
        ),
        "reports": lambda number: game.report(1, PLAYERS),
    }[kind]
    pending = tuple(message for number in range(20) if (message := make(number)) is not None)
    return pending[: count_deliverable(ChainRole.ZK, pending)]


@pytest.mark.parametrize(
    "kind",
    [
        "nothing",
        "deposits",
        "messages with value",
        "long messages",
        "returned messages",
        "reports",
    ],
)
def test_a_full_block_of_transactions_that_send_messages_and_of_deliveries_is_provable(
    kind: str,
) -> None:
    game = L1Game()
    delivered = deliverable(game, kind)
    left = PROVABLE_CYCLES - sum(map(delivery_cycles, delivered))
    count = max(0, left // CYCLES_PER_TRANSACTION)
    game.chain.execute(
        [
            game.call_contract(
                PLAYERS[number % len(PLAYERS)],
                "Portal",
                "send",
                stranger(1000 + number),
                50_000,
                b"",
                value_wei=1,
            )
            for number in range(count)
        ],
        game.system(delivered),
        may_skip=True,
    )
    output = game.chain.outputs[-1]
    assert len(output.included) > len(delivered)
    assert {skipped.reason for skipped in output.skipped} <= {skip_reasons.BLOCK_PROVING_BUDGET}
    run = run_guest(encode_witness(game.chain.batch(game.last, game.last).witness()))
    assert run.cycles <= MAXIMUM_CYCLES
