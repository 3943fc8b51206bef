"""eth_call and eth_estimateGas."""

import pytest

from execution.engine import WasmEngine
from execution.errors import (
    CallRejectedError,
    CallRevertedError,
    GasRequiredExceedsAllowanceError,
)
from execution.types import Address, CallRequest, GenesisAccount
from tests.differential.assembler import assemble, call
from tests.unit.execution.wasm_chain import (
    ALICE,
    ETHER,
    GWEI,
    STRANGER,
    contract_address,
    execute,
    make_spec,
    transaction,
)

COUNT_UP = assemble(0, "SLOAD", 1, "ADD", 0, "SSTORE")
RETURN_COUNT = assemble(0, "SLOAD", 0, "MSTORE", 32, 0, "RETURN")
REVERT_WITH_WORD = assemble(b"\xee" * 32, 0, "MSTORE", 32, 0, "REVERT")
CLEAR_SLOT = assemble(0, 0, "SSTORE")
INNER_CALL = call("CALL", contract_address(1))
REVERT_IF_INNER_CALL_FAILS = INNER_CALL + assemble(
    len(INNER_CALL) + 6, "JUMPI", 0, 0, "REVERT", "JUMPDEST"
)


def request(to: Address | None = None, **changes: object) -> CallRequest:
    return CallRequest(sender=ALICE.address, to=to or contract_address(0), **changes)  # type: ignore[arg-type] # the test names the fields


def test_a_call_returns_data_and_leaves_no_trace() -> None:
    engine = WasmEngine(make_spec(COUNT_UP + RETURN_COUNT))

    results = [engine.call(request()) for _ in range(2)]

    assert [result.output for result in results] == [(1).to_bytes(32, "big")] * 2
    assert engine.storage_at(contract_address(0), 0) == 0


def test_a_call_sees_the_state_of_the_block_that_it_names() -> None:
    engine = WasmEngine(make_spec(COUNT_UP + RETURN_COUNT))
    for nonce in range(2):
        execute(engine, transaction(nonce=nonce, to=contract_address(0)))

    outputs = [engine.call(request(), number).output[-1] for number in (0, 1, 2, None)]

    assert outputs == [1, 2, 3, 3]


def test_a_reverting_call_returns_the_revert_data() -> None:
    engine = WasmEngine(make_spec(REVERT_WITH_WORD))

    result = engine.call(request())

    assert not result.is_success
    assert (result.output, result.halt_reason) == (b"\xee" * 32, None)


def test_a_halting_call_says_why() -> None:
    engine = WasmEngine(make_spec(assemble("INVALID")))

    result = engine.call(request(gas_limit=50_000))

    assert (result.is_success, result.gas_used) == (False, 50_000)
    assert result.halt_reason


def test_a_call_costs_nothing_unless_it_names_a_gas_price() -> None:
    engine = WasmEngine(make_spec(COUNT_UP))
    poor = CallRequest(sender=STRANGER, to=contract_address(0))

    assert engine.call(poor).is_success
    with pytest.raises(CallRejectedError):
        engine.call(CallRequest(sender=STRANGER, to=contract_address(0), gas_price_wei=2 * GWEI))


def test_a_call_cannot_send_more_than_its_sender_has() -> None:
    engine = WasmEngine(make_spec())

    assert engine.call(request(STRANGER, value_wei=100 * ETHER)).is_success
    with pytest.raises(CallRejectedError, match="insufficient funds"):
        engine.call(request(STRANGER, value_wei=100 * ETHER + 1))


def test_a_contract_may_be_the_sender_of_a_call() -> None:
    engine = WasmEngine(make_spec(COUNT_UP, COUNT_UP))

    assert engine.call(CallRequest(sender=contract_address(1), to=contract_address(0))).is_success


def test_a_transfer_needs_21000_gas() -> None:
    engine = WasmEngine(make_spec())

    assert engine.estimate_gas(request(STRANGER, value_wei=1)) == 21_000


@pytest.mark.parametrize(
    "code",
    [
        COUNT_UP,
        CLEAR_SLOT,
        REVERT_IF_INNER_CALL_FAILS,
        assemble("GAS", 90_000, "GT", 9, "JUMPI", "STOP", "JUMPDEST", 0, 0, "REVERT"),
    ],
    ids=["write", "refund", "inner call", "gas check"],
)
def test_the_estimate_is_the_least_gas_that_suffices(code: bytes) -> None:
    contracts = {
        contract_address(0): GenesisAccount(nonce=1, code=code, storage={0: 1}),
        contract_address(1): GenesisAccount(nonce=1, code=COUNT_UP),
        ALICE.address: GenesisAccount(balance_wei=ETHER),
    }
    engine = WasmEngine(make_spec(alloc=contracts))

    estimate = engine.estimate_gas(request())

    assert engine.call(request(gas_limit=estimate)).is_success
    assert not succeeds(engine, estimate - 1)


def succeeds(engine: WasmEngine, gas_limit: int) -> bool:
    try:
        return engine.call(request(gas_limit=gas_limit)).is_success
    except CallRejectedError:
        return False


def test_estimating_a_revert_raises_with_its_data() -> None:
    engine = WasmEngine(make_spec(REVERT_WITH_WORD))

    with pytest.raises(CallRevertedError) as raised:
        engine.estimate_gas(request())

    assert raised.value.output == b"\xee" * 32


def test_estimating_what_no_gas_is_enough_for_raises() -> None:
    engine = WasmEngine(make_spec(assemble("INVALID")))

    with pytest.raises(GasRequiredExceedsAllowanceError):
        engine.estimate_gas(request())
