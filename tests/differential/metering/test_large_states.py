"""Costs are upper bounds where tries are deep, lists are long and history is far away, too."""

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Final

import pytest

from execution import proving_costs as costs
from execution.types import Address, GenesisAccount
from tests.differential.assembler import assemble
from tests.differential.metering.attacks import ATTACKER, MAX_CODE_BYTES
from tests.differential.metering.lab import ALICE, CHAIN_ID, Lab, Measured, other_key
from tests.differential.metering.test_attacks import (
    assert_provable,
    deliveries,
    empty_cycles,
    fillers,
    message,
)
from tests.differential.signing import authorize

ENTRIES: Final = 20_000
RECEIVER: Final = b"\x55" * 20


@cache
def crowd() -> dict[Address, GenesisAccount]:
    """Many accounts."""
    random = Random(1)
    return {Address(random.randbytes(20)): GenesisAccount(1) for _ in range(ENTRIES)}


def spent(block: Measured) -> int:
    """What was charged, without what a struck transaction is only reserved."""
    struck = costs.TRANSACTION_BUDGET + costs.OVERSHOOT
    return block.metered - costs.OVERSHOOT * block.output.proving_costs.count(struck)


def assert_bounded(block: Measured) -> None:
    assert_provable(block)
    assert block.cycles - empty_cycles() <= spent(block)


def runs(code: bytes, storage: dict[int, int] | None = None, *, in_crowd: bool = False) -> None:
    """Run a contract once, to its end, and compare."""
    contract = GenesisAccount(10**18, nonce=1, code=code, storage=storage or {})
    lab = Lab({**(crowd() if in_crowd else {}), ATTACKER: contract})
    block = lab.measure([lab.sign(ATTACKER)])
    assert block.output.receipts[0].is_success
    assert_bounded(block)


@pytest.mark.parametrize("count", [1, 10])
def test_transfers_to_accounts_far_down_a_trie(count: int) -> None:
    lab = Lab(crowd())
    raws = [
        lab.sign(receiver, gas_limit=21_000, nonce=number, value_wei=1)
        for number, receiver in enumerate(list(crowd())[:count])
    ]
    assert_bounded(lab.measure(raws))


def test_one_contract_that_pays_many_of_them() -> None:
    pays = (assemble(0, 0, 0, 0, 1, receiver, 0, "CALL", "POP") for receiver in list(crowd())[:14])
    runs(b"".join(pays), in_crowd=True)


@pytest.mark.parametrize(
    "step",
    [
        lambda slot: assemble(slot, "SLOAD", "POP"),
        lambda slot: assemble(slot + 7, slot, "SSTORE"),
        lambda slot: assemble(0, slot, "SSTORE"),
        lambda slot: assemble(1, (slot << 200) + slot, "SSTORE"),
    ],
    ids=["read", "changed", "cleared", "new"],
)
def test_slots_far_down_a_storage_trie(step: Callable[[int], bytes]) -> None:
    random = Random(2)
    slots = (random.randrange(1, ENTRIES) for _ in range(25))
    runs(b"".join(map(step, slots)), {slot: slot + 1 for slot in range(ENTRIES)})


def test_hashes_of_blocks_far_back() -> None:
    contract = GenesisAccount(
        nonce=1, code=assemble(0, "CALLDATALOAD", "NUMBER", "SUB", "BLOCKHASH", "POP")
    )
    lab = Lab({ATTACKER: contract})
    for _ in range(260):
        lab.engine.execute(lab.block([]))
    assert_bounded(lab.measure([lab.sign(ATTACKER, (120).to_bytes(32, "big"))]))
    farthest = lab.measure([lab.sign(ATTACKER, (255).to_bytes(32, "big"))])
    assert not farthest.output.receipts[0].is_success
    assert_bounded(farthest)


@pytest.mark.parametrize("size", [1_000, 45_000])
def test_calldata(size: int) -> None:
    lab = Lab({})
    assert_bounded(lab.measure([lab.sign(RECEIVER, Random(3).randbytes(size))]))


@pytest.mark.parametrize("size", [1_000, MAX_CODE_BYTES])
def test_a_deployment_of_code_that_is_all_jump_destinations(size: int) -> None:
    copy = assemble(size.to_bytes(2, "big"), "DUP1", b"\x0d", 0, "CODECOPY", 0, "RETURN")
    lab = Lab({})
    block = lab.measure([lab.sign(None, copy.ljust(13, b"\0") + b"\x5b" * size)])
    assert block.output.receipts[0].is_success
    assert_bounded(block)


@pytest.mark.parametrize("count", [10, 100])
def test_access_lists(count: int) -> None:
    random = Random(4)
    listed = [(random.randbytes(20), [number]) for number in range(count)]
    lab = Lab({})
    assert_bounded(lab.measure([lab.sign(RECEIVER, access_list=listed)]))


@pytest.mark.parametrize("count", [1, 30])
def test_authorizations(count: int) -> None:
    signed = [authorize(other_key(number), CHAIN_ID, RECEIVER, 0) for number in range(count)]
    lab = Lab({})
    assert lab.engine.accounts([ALICE.address])[0].nonce == 0
    assert_bounded(lab.measure([lab.sign(RECEIVER, kind=4, authorizations=signed)]))


@pytest.mark.parametrize("gas_limit", [0, 5_000])
def test_messages_each_to_a_contract_of_the_longest_code(gas_limit: int) -> None:
    """Their own calls may do nothing; the codes are looked at all the same."""
    targets = [Address(bytes([0xC0 + number]) * 20) for number in range(9)]
    codes = {
        target: GenesisAccount(nonce=1, code=target[:1] + b"\x5b" * (MAX_CODE_BYTES - 1))
        for target in targets
    }
    lab = Lab.with_predeploys(codes)
    system = deliveries(
        *(message(nonce, target, gas_limit) for nonce, target in enumerate(targets))
    )
    block = lab.measure([lab.sign(RECEIVER), *fillers(lab)], system)
    assert len(system) >= 2
    assert_provable(block)
