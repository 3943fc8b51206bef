"""Calls and estimates on a metered chain are bounded like transactions, and say so."""

import pytest

from execution.engine import WasmEngine
from execution.errors import ProvingBudgetExceededError
from execution.types import Address, CallRequest, ChainSpec, GenesisAccount
from gateway.engine_reader import EngineReader
from gateway.errors import ExecutionHalted
from gateway.outcome import call_output, estimated_gas

SENDER = Address(b"\x11" * 20)
LOOP = Address(b"\xaa" * 20)
MODEST = Address(b"\xbb" * 20)
LOOPS_FOR_EVER = bytes.fromhex("5b5f56")
RETURNS_A_WORD = bytes.fromhex("60205ff3")


def engine(*, is_metered: bool) -> WasmEngine:
    alloc = {
        SENDER: GenesisAccount(balance_wei=10**18),
        LOOP: GenesisAccount(nonce=1, code=LOOPS_FOR_EVER),
        MODEST: GenesisAccount(nonce=1, code=RETURNS_A_WORD),
    }
    return WasmEngine(
        ChainSpec(7, 30_000_000, 1, alloc, is_base_fee_zero=True, is_metered=is_metered)
    )


def test_a_call_within_the_budget_is_what_it_is_without_a_meter() -> None:
    request = CallRequest(SENDER, MODEST)
    with_meter, without = engine(is_metered=True), engine(is_metered=False)
    assert with_meter.call(request) == without.call(request)
    assert with_meter.estimate_gas(request) == without.estimate_gas(request)


def test_a_call_over_the_budget_halts_and_says_why() -> None:
    request = CallRequest(SENDER, LOOP)
    result = engine(is_metered=True).call(request)
    assert not result.is_success
    assert result.halt_reason == "proving budget exceeded"
    halt_without_meter = engine(is_metered=False).call(request).halt_reason
    assert halt_without_meter is not None
    assert "proving" not in halt_without_meter


def test_no_gas_limit_is_an_estimate_of_what_is_over_the_budget() -> None:
    with pytest.raises(ProvingBudgetExceededError, match="proving budget exceeded"):
        engine(is_metered=True).estimate_gas(CallRequest(SENDER, LOOP))


def test_a_creation_is_bounded_too() -> None:
    with pytest.raises(ProvingBudgetExceededError):
        engine(is_metered=True).estimate_gas(CallRequest(SENDER, None, data=LOOPS_FOR_EVER))


def test_json_rpc_answers_with_ethereum_s_code_and_the_reason() -> None:
    reader = EngineReader(engine(is_metered=True))
    request = CallRequest(SENDER, LOOP)
    for answer in (
        lambda: call_output(reader.call(request, None)),
        lambda: estimated_gas(reader.estimate_gas(request, None), 50_000_000),
    ):
        with pytest.raises(ExecutionHalted, match="proving budget exceeded") as halted:
            answer()
        assert halted.value.code == -32000
