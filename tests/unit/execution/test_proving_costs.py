"""The costs of proving: one table in two languages, and sums that fit into one proof."""

from bridge.work import (
    DELIVERY_CYCLES_PER_BYTE,
    DELIVERY_FIXED_CYCLES,
    FORCED_CYCLES,
    LEDGER_CALLS_CYCLES,
    LONGEST_CODE_CYCLES,
    MAX_MESSAGE_CYCLES,
    MAX_MESSAGE_GAS,
    MAX_ZK_DELIVERY_CYCLES_PER_BLOCK,
    MAX_ZK_ORDERED_CYCLES_PER_BLOCK,
    MAX_ZK_TRANSACTION_BYTES_PER_BLOCK,
    MAX_ZK_TRANSACTIONS_PER_BLOCK,
    MESSAGE_CYCLES_PER_GAS,
    count_deliverable,
    delivery_cycles,
)
from execution import proving_costs as costs
from execution.engine import proving_cost_tables
from execution.types import Address
from ledger.crossing import FORCED_TRANSACTION_ADDRESS, Message
from ledger.types import ChainId, ChainRole
from proving.machine.layout import MAXIMUM_CYCLES

MAX_DATA_BYTES = 8_192


def message(gas_limit: int, size_bytes: int, target: bytes = b"\x11" * 20) -> Message:
    return Message(
        ChainId(1), 0, Address(b"\x22" * 20), Address(target), 0, gas_limit, bytes(size_bytes)
    )


def test_both_engines_have_the_same_costs() -> None:
    opcodes, lookups, precompiles, others = proving_cost_tables()
    assert opcodes == list(costs.BASE)
    none = (0, 0, 0)
    assert lookups == [list(costs.LOOKUP.get(opcode, none)) for opcode in range(256)]
    assert precompiles == [list(pair) for pair in costs.PRECOMPILES]
    assert others == [
        costs.TRANSACTION_BUDGET,
        costs.OVERSHOOT,
        costs.BLOCK_BUDGET,
        costs.PERMUTATION,
        costs.LISTED,
        costs.LISTED_BYTE,
        costs.TRANSACTION,
        costs.TRANSACTION_BYTE,
        costs.ACCESS_ENTRY,
        costs.ACCESS_PAIR,
        costs.AUTHORIZATION,
        costs.ACCOUNT,
        costs.SLOT,
        costs.BRANCH,
        costs.CODE_BYTE,
        costs.GROWTH,
        costs.GROWN_WORD,
        costs.COPIED_WORD,
        costs.MOVED_WORD,
        costs.HEADER,
        costs.LOGGED_WORD,
        costs.INITCODE_WORD,
        costs.DEPOSITED_WORD,
        costs.EXPONENT_BYTE,
        costs.BLAKE2F_ROUND,
        costs.MODEXP_BIT,
        costs.MODEXP_SQUARE,
        costs.INNER_CYCLES_PER_GAS,
        costs.INNER_BUDGET,
        costs.NEVER,
    ]


def test_the_ledger_counts_a_message_s_call_as_the_engine_bounds_it() -> None:
    assert MESSAGE_CYCLES_PER_GAS == costs.INNER_CYCLES_PER_GAS
    assert MAX_MESSAGE_CYCLES == costs.INNER_BUDGET


def listed() -> int:
    """What the largest listing costs, whatever is executed of it."""
    return (
        costs.LISTED * MAX_ZK_TRANSACTIONS_PER_BLOCK
        + costs.LISTED_BYTE * MAX_ZK_TRANSACTION_BYTES_PER_BLOCK
    )


def test_the_fullest_block_fits_into_one_proof() -> None:
    """Its own work, what it lists, the ledger's calls, and all that is delivered and forced in."""
    beside = costs.BLOCK_BASE + listed() + LEDGER_CALLS_CYCLES
    whole = beside + MAX_ZK_ORDERED_CYCLES_PER_BLOCK
    assert whole <= MAXIMUM_CYCLES == costs.PROOF


def test_a_block_without_a_forced_transaction_has_room_for_ordinary_ones() -> None:
    left = costs.BLOCK_BUDGET - listed() - MAX_ZK_DELIVERY_CYCLES_PER_BLOCK - costs.OVERSHOOT
    assert left >= 2 * 120_000


def test_any_one_message_may_be_delivered() -> None:
    largest = delivery_cycles(message(MAX_MESSAGE_GAS, MAX_DATA_BYTES))
    fixed = DELIVERY_FIXED_CYCLES + DELIVERY_CYCLES_PER_BYTE * MAX_DATA_BYTES
    assert largest == fixed + 2 * LONGEST_CODE_CYCLES + MAX_MESSAGE_CYCLES
    assert costs.BLOCK_BASE + listed() + largest <= costs.PROOF


def test_any_one_transaction_may_be_forced_in() -> None:
    assert costs.TRANSACTION_BUDGET + costs.OVERSHOOT == FORCED_CYCLES
    forced = message(0, MAX_DATA_BYTES, FORCED_TRANSACTION_ADDRESS)
    assert delivery_cycles(forced) + FORCED_CYCLES <= MAX_ZK_ORDERED_CYCLES_PER_BLOCK


def test_no_more_codes_are_looked_at_than_there_is_room_for() -> None:
    """The cheapest messages, each to another contract of the longest code."""
    cheapest = tuple(message(0, 0) for _ in range(20))
    count = count_deliverable(ChainRole.ZK, cheapest)
    assert count == 3
    assert count_deliverable(ChainRole.ZK, tuple(message(5_000, 0) for _ in range(20))) == 2


def test_the_largest_listing_can_be_read_by_one_transaction() -> None:
    """Else a transaction within the block's bounds could never be tried."""
    assert costs.transaction(MAX_ZK_TRANSACTION_BYTES_PER_BLOCK) <= costs.TRANSACTION_BUDGET
