"""Where the meter strikes, both engines stop alike: the whole transaction, and nothing else."""

from typing import Final

import pytest

from execution import proving_costs as costs
from execution import skip_reasons
from execution._reference_meter import DELIVER, is_forced_delivery
from execution._reference_meter import PORTAL as PORTAL_ADDRESS_BYTES
from execution.types import Address, BlockOutput, GenesisAccount, SkippedTransaction
from execution.types import SystemTransaction as System
from ledger.crossing import FORCED_TRANSACTION_ADDRESS
from tests.differential.assembler import assemble, call, keep, store_in_memory
from tests.differential.chain import ALICE, BOB, CHAIN_ID, GAS_LIMIT, Chain, contract_address
from tests.differential.signing import authorize, make_key

PORTAL_ADDRESS: Final = Address(PORTAL_ADDRESS_BYTES)
FOR_EVER: Final = assemble("JUMPDEST", 0, "JUMP")
PAIRING: Final = call("CALL", b"\x08", gas=1_000_000)
"""Never provable: on its own more than any budget."""

STRIKES: Final = {
    "in the outermost frame": (FOR_EVER,),
    "in a called contract": (call("CALL", contract_address(1)) + keep(1), FOR_EVER),
    "in a contract whose caller goes on": (
        assemble(7) + keep(0) + call("CALL", contract_address(1), gas=20_000_000) + keep(1),
        FOR_EVER,
    ),
    "in a delegate call": (call("DELEGATECALL", contract_address(1)) + keep(1), FOR_EVER),
    "in a static call": (call("STATICCALL", contract_address(1)) + keep(1), FOR_EVER),
    "three calls deep": (
        call("CALL", contract_address(1)) + keep(1),
        call("CALL", contract_address(2)) + keep(1),
        FOR_EVER,
    ),
    "in a creation": (
        store_in_memory(FOR_EVER) + assemble(len(FOR_EVER), 0, 0, "CREATE") + keep(1),
    ),
    "in a creation with a salt": (
        store_in_memory(FOR_EVER) + assemble(5, len(FOR_EVER), 0, 0, "CREATE2") + keep(1),
    ),
    "in a precompile": (PAIRING + keep(1),),
    "in a precompile that a contract calls": (
        call("CALL", contract_address(1)) + keep(1),
        PAIRING + keep(1),
    ),
    "in memory that grows": (assemble(1, 3_000_000, "MSTORE", 7) + keep(1),),
    "in a recursion": (call("CALL", contract_address(0)) + keep(1),),
    "in a recursion whose every frame has much left to do": (
        call("CALL", contract_address(0)) + assemble(1, 100_000, "MSTORE") + keep(1),
    ),
    "behind many calls that were reverted": (
        assemble("JUMPDEST") + call("CALL", contract_address(1)) + assemble("POP", 0, "JUMP"),
        assemble(1) + keep(1) + assemble(0, 0, "REVERT"),
    ),
    "in an implicit stop": (call("CALL", contract_address(1)), FOR_EVER),
}


def metered(*contracts: bytes, alloc: dict[Address, GenesisAccount] | None = None) -> Chain:
    return Chain(*contracts, alloc=alloc, is_metered=True)


@pytest.mark.parametrize("where", STRIKES)
def test_a_transaction_over_its_budget_fails_as_a_whole_and_pays_for_all_its_gas(
    where: str,
) -> None:
    chain = metered(*STRIKES[where])
    receipt = chain.send(ALICE, contract_address(0), gas_limit=GAS_LIMIT)
    assert not receipt.is_success
    assert receipt.gas_used == GAS_LIMIT
    for number in range(len(STRIKES[where])):
        assert chain.storage(contract_address(number), 0) == 0
        assert chain.storage(contract_address(number), 1) == 0


@pytest.mark.parametrize("where", STRIKES)
def test_without_a_meter_the_same_may_go_on(where: str) -> None:
    """So the meter is what stopped it; the two engines agree all the same."""
    chain = Chain(*STRIKES[where])
    chain.send(ALICE, contract_address(0), gas_limit=1_000_000)


def test_a_creating_transaction_over_its_budget_creates_nothing() -> None:
    chain = metered()
    receipt = chain.send(ALICE, b"", data=FOR_EVER, gas_limit=GAS_LIMIT)
    assert not receipt.is_success
    assert receipt.contract_address is None


def test_an_ordinary_transaction_does_not_notice() -> None:
    work = assemble(1) + keep(0) + assemble(100, 0, "KECCAK256") + keep(1)
    one, other = metered(work), Chain(work)
    receipts = [chain.send(ALICE, contract_address(0)) for chain in (one, other)]
    assert receipts[0] == receipts[1]
    assert receipts[0].is_success


def test_out_of_gas_is_only_the_frame_s_and_the_meter_is_the_transaction_s() -> None:
    """A caller outlives what it called, unless the budget is what ended."""
    poor = metered(call("CALL", contract_address(1), gas=50_000) + keep(1), FOR_EVER)
    assert poor.send(ALICE, contract_address(0)).is_success
    rich = metered(call("CALL", contract_address(1), gas=25_000_000) + keep(1), FOR_EVER)
    assert not rich.send(ALICE, contract_address(0), gas_limit=GAS_LIMIT).is_success


# THE PROTOCOL'S OWN CALLS


def deliver(chain: Chain, gas_limit: int = 5_000_000) -> BlockOutput:
    chain.system_count += 1
    system = System(chain.system_count, contract_address(0), gas_limit, b"")
    return chain.execute(system=[system])


PORTAL: Final = (
    assemble(7)
    + keep(0)
    + call("CALL", contract_address(1), gas=2_000_000)
    + keep(1)
    + call("CALL", contract_address(2), gas=200_000)
    + keep(2)
    + assemble(9)
    + keep(3)
)
"""Calls two contracts, and writes down what became of the calls."""

WORKS: Final = assemble(1) + keep(0)


def test_the_protocol_s_own_frame_goes_on_where_what_it_called_was_stopped() -> None:
    chain = metered(PORTAL, FOR_EVER, WORKS)
    (receipt,) = deliver(chain).receipts
    assert receipt.is_success
    assert [chain.storage(contract_address(0), slot) for slot in range(4)] == [7, 0, 1, 9]
    assert chain.storage(contract_address(2), 0) == 1


def test_each_call_of_the_protocol_has_a_budget_of_its_own_by_its_gas() -> None:
    """The second call's is not what the first one left."""
    chain = metered(PORTAL, WORKS, FOR_EVER)
    assert deliver(chain).receipts[0].is_success
    assert [chain.storage(contract_address(0), slot) for slot in range(4)] == [7, 1, 0, 9]


def test_a_call_deep_below_the_protocol_s_own_is_stopped_with_all_above_it() -> None:
    chain = metered(
        PORTAL, call("CALL", contract_address(3)) + assemble(1) + keep(0), WORKS, FOR_EVER
    )
    assert deliver(chain).receipts[0].is_success
    assert chain.storage(contract_address(1), 0) == 0
    assert chain.storage(contract_address(0), 1) == 0


def test_the_protocol_s_own_frame_is_not_bounded() -> None:
    loop = assemble(0, "JUMPDEST", 1, "ADD", "DUP1", 60_000, "GT", 1, "JUMPI") + keep(0)
    chain = metered(loop)
    output = deliver(chain, gas_limit=20_000_000)
    assert output.receipts[0].is_success
    assert output.proving_costs[0] > costs.TRANSACTION_BUDGET


# BLOCKS


def spender(iterations: int) -> bytes:
    """A contract that loops so often."""
    return assemble(0, "JUMPDEST", 1, "ADD", "DUP1", iterations, "GT", 1, "JUMPI") + keep(0)


def many(chain: Chain, count: int, gas_limit: int = 500_000) -> list[bytes]:
    keys = [make_key(100 + number) for number in range(count)]
    return [chain.sign(key, contract_address(0), gas_limit=gas_limit) for key in keys]


def rich(count: int) -> dict[Address, GenesisAccount]:
    return {make_key(100 + number).address: GenesisAccount(10**18) for number in range(count)}


def test_what_a_block_has_no_room_to_prove_is_left_over_untouched() -> None:
    chain = metered(spender(1_500), alloc=rich(9))
    output = chain.execute(*many(chain, 9))
    count = len(output.included)
    assert 2 <= count < 9
    assert sum(output.proving_costs) <= costs.BLOCK_BUDGET
    left_over = skip_reasons.BLOCK_PROVING_BUDGET
    assert output.skipped == tuple(SkippedTransaction(at, left_over) for at in range(count, 9))
    assert all(receipt.is_success for receipt in output.receipts)
    for number in range(count, 9):
        account = chain.engines.reference.account(make_key(100 + number).address)
        assert (account.nonce, account.balance_wei) == (0, 10**18)


def test_what_was_left_over_goes_into_later_blocks() -> None:
    chain = metered(spender(1_500), alloc=rich(9))
    waiting = many(chain, 9)
    blocks = 0
    while waiting:
        output = chain.execute(*waiting)
        waiting = [waiting[skipped.index] for skipped in output.skipped]
        assert output.included
        blocks += 1
    assert 2 <= blocks <= 5


def test_behind_what_was_left_over_nothing_more_is_tried() -> None:
    """Not even a transfer for which there would be room."""
    chain = metered(FOR_EVER, alloc=rich(3))
    heavy = many(chain, 2, gas_limit=10_000_000)
    transfer = chain.sign(BOB, contract_address(5), gas_limit=21_000)
    output = chain.execute(*heavy, transfer)
    assert [skipped.index for skipped in output.skipped] == [1, 2]
    assert {skipped.reason for skipped in output.skipped} == {skip_reasons.BLOCK_PROVING_BUDGET}


def forces(target: Address) -> System:
    """A call that the Portal takes for the delivery of an entry of L1's queue."""
    arguments = [bytes(32)] * 3 + [bytes(12) + target] + [bytes(32)] * 3
    return System(1, PORTAL_ADDRESS, 100_000, DELIVER + b"".join(arguments))


@pytest.mark.parametrize("is_forced", [True, False])
def test_a_forced_transaction_has_its_whole_budget_whatever_was_delivered(
    is_forced: bool,
) -> None:
    chain = metered(spender(9_000), spender(2_500))
    system = [System(2, contract_address(0), 10_000_000, b"")]
    if is_forced:
        system.append(forces(FORCED_TRANSACTION_ADDRESS))
    raw = chain.sign(ALICE, contract_address(1), gas_limit=2_000_000)
    output = chain.execute(raw, system=system)
    assert all(receipt.is_success for receipt in output.receipts)
    left_over = (SkippedTransaction(0, skip_reasons.BLOCK_PROVING_BUDGET),)
    assert output.skipped == (() if is_forced else left_over)


def test_only_the_portal_s_delivery_of_a_transaction_forces_one() -> None:
    assert is_forced_delivery(forces(FORCED_TRANSACTION_ADDRESS))
    assert not is_forced_delivery(forces(contract_address(0)))
    elsewhere = System(1, contract_address(0), 0, forces(FORCED_TRANSACTION_ADDRESS).data)
    assert not is_forced_delivery(elsewhere)


def test_signatures_that_cost_more_than_a_budget_are_not_looked_at() -> None:
    chain = metered()
    count = costs.TRANSACTION_BUDGET // costs.AUTHORIZATION + 1
    signed = [authorize(make_key(500 + at), CHAIN_ID, b"\x11" * 20, 0) for at in range(count)]
    raw = chain.sign(
        ALICE, contract_address(0), kind=4, authorizations=tuple(signed), gas_limit=GAS_LIMIT
    )
    output = chain.execute(raw)
    assert output.skipped == (SkippedTransaction(0, skip_reasons.PROVING_BUDGET),)
    few = chain.sign(
        ALICE, contract_address(0), kind=4, authorizations=tuple(signed[:3]), gas_limit=GAS_LIMIT
    )
    assert chain.execute(few).skipped == ()


def test_deployed_code_has_its_price() -> None:
    """A small contract is deployed, the largest as well, and not several of those at once."""
    chain = metered()
    for size in (100, 24_576):
        initcode = assemble(size, 0, "RETURN")
        assert chain.send(ALICE, b"", data=initcode, gas_limit=8_000_000).is_success
    large = assemble(24_576, 0, "RETURN")
    several = store_in_memory(large) + assemble(len(large), 0, 0, "CREATE", "POP") * 6
    assert not chain.send(ALICE, b"", data=several, gas_limit=GAS_LIMIT).is_success
