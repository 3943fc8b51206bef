"""No transaction and no message makes a block that one proof does not cover.

Each attack does one kind of work for as long as it is let, and the guest really runs on the block:
as an ordinary transaction that ends just in time, so that all it did counts, and in the fullest
block that a ledger can order: with deliveries that call the same code, the attack as what L1 forces
in, and as much as a block may list behind it.
"""

from functools import cache
from typing import Final

import pytest

from bridge.work import (
    MAX_ZK_TRANSACTION_BYTES_PER_BLOCK,
    MAX_ZK_TRANSACTIONS_PER_BLOCK,
    Delivery,
    count_deliverable,
)
from contracts.system_calls import system_transaction
from execution import proving_costs as costs
from execution.types import Address, SystemTransaction
from ledger.crossing import FORCED_TRANSACTION_ADDRESS, Message
from ledger.types import ChainId, ChainRole
from proving.machine.layout import MAXIMUM_CYCLES, Ecall
from tests.differential.metering.attacks import ATTACKER, all_attacks
from tests.differential.metering.lab import GAS_LIMIT, L1_CHAIN_ID, Lab, Measured, other_key

MAX_ACCELERATOR_ROWS: Final = 1 << 17
KECCAK_ROWS: Final = 24
ATTACKS: Final = {attack.name: attack for attack in all_attacks()}
SAMPLE: Final = (
    "ADD",
    "MULMOD by 160 bits",
    "EXP by 32 bytes",
    "KECCAK256 of 20000",
    "MCOPY of 20000",
    "LOG4 of 1000",
    "SSTORE new",
    "EXTCODESIZE of code",
    "CALL with value of nobody",
    "CREATE that leaves 24576",
    "ECRECOVER",
    "BN254 PAIRING",
)
EVERY: Final = [
    pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.slow) for name in ATTACKS
]


@cache
def empty_cycles() -> int:
    """What an empty block takes."""
    return Lab({}).measure([]).cycles


def assert_provable(block: Measured) -> None:
    """One proof covers the block, and no accelerator's table is higher than the others may be."""
    assert block.cycles <= MAXIMUM_CYCLES
    counts = block.run.ecall_counts
    additions = counts.get(Ecall.SECP256K1_ADD, 0) + counts.get(Ecall.SECP256K1_DOUBLE, 0)
    assert KECCAK_ROWS * counts.get(Ecall.KECCAK_F, 0) <= MAX_ACCELERATOR_ROWS
    assert counts.get(Ecall.MULMOD, 0) <= MAX_ACCELERATOR_ROWS
    assert additions <= MAX_ACCELERATOR_ROWS


def gas_left_in_time(lab: Lab) -> int:
    """Gas at which an attack has to stop in order to stay within its budget."""
    low, high = 0, GAS_LIMIT
    while high - low > GAS_LIMIT // 5_000:
        middle = (low + high) // 2
        output = lab.try_one([lab.sign(ATTACKER, middle.to_bytes(32, "big"))])
        low, high = (low, middle) if output.receipts[0].is_success else (middle, high)
    return high


def message(nonce: int, target: bytes, gas_limit: int, data: bytes = bytes(32)) -> Message:
    """An entry of L1's queue."""
    sender = Address(b"\x77" * 20)
    return Message(ChainId(L1_CHAIN_ID), nonce, sender, Address(target), 0, gas_limit, data)


def deliveries(*pending: Message) -> list[SystemTransaction]:
    """What delivers as many of them as one block may deliver."""
    count = count_deliverable(ChainRole.ZK, pending)
    return [
        system_transaction(nonce, Delivery(message))
        for nonce, message in enumerate(pending[:count])
    ]


def fillers(lab: Lab) -> list[bytes]:
    """As much as may be listed: signed, so it has to be looked at, and it comes to nothing."""
    count = MAX_ZK_TRANSACTIONS_PER_BLOCK - 1
    size = (MAX_ZK_TRANSACTION_BYTES_PER_BLOCK - 300) // count - 130
    return [
        lab.sign_as(other_key(number), ATTACKER, b"\xee" * size, nonce=1, gas_limit=200_000)
        for number in range(count)
    ]


@pytest.mark.parametrize("name", EVERY)
def test_what_a_transaction_does_within_its_budget_costs_no_more(name: str) -> None:
    lab = Lab(ATTACKS[name].briefly.accounts)
    threshold = gas_left_in_time(lab)
    block = lab.measure([lab.sign(ATTACKER, threshold.to_bytes(32, "big"))])
    assert_provable(block)
    spent = block.metered - (0 if block.output.receipts[0].is_success else costs.OVERSHOOT)
    assert block.cycles - empty_cycles() <= spent


@pytest.mark.parametrize("name", EVERY)
def test_the_fullest_block_in_which_an_attack_is_forced_in_is_provable(name: str) -> None:
    lab = Lab.with_predeploys(ATTACKS[name].accounts)
    raw = lab.sign(ATTACKER)
    forced = message(0, FORCED_TRANSACTION_ADDRESS, 0, raw)
    system = deliveries(forced, *(message(nonce, ATTACKER, 25_000) for nonce in range(1, 9)))
    block = lab.measure([raw, *fillers(lab)], system)
    assert system
    assert 0 not in {skipped.index for skipped in block.output.skipped}
    assert_provable(block)


@pytest.mark.parametrize("gas_limit", [150_000, 2_000_000])
@pytest.mark.parametrize("name", EVERY)
def test_the_fullest_block_of_messages_that_attack_is_provable(name: str, gas_limit: int) -> None:
    lab = Lab.with_predeploys(ATTACKS[name].accounts)
    system = deliveries(*(message(nonce, ATTACKER, gas_limit) for nonce in range(9)))
    block = lab.measure([lab.sign(ATTACKER), *fillers(lab)], system)
    assert all(receipt.is_success for receipt in block.output.receipts[: len(system)])
    assert_provable(block)
