"""Whatever comes in: a typed error or a skipped transaction, never a trap."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from execution import _wasm_abi, skip_reasons
from execution._wasm_abi import Operation, WasmInstance
from execution.engine import WasmEngine
from execution.errors import (
    EngineCrashedError,
    MalformedRequestError,
    ModuleRejectedError,
    NotStartedError,
)
from execution.types import Address, CallRequest, Hash32
from tests.unit.execution.wasm_chain import (
    ALICE,
    STRANGER,
    block_input,
    execute,
    make_spec,
    transaction,
)


def mutations(raw: bytes, count: int) -> list[bytes]:
    """The same every time: flipped bytes, cut ends, inserted bytes."""
    source = random.Random(7)
    mutated = []
    for _ in range(count):
        position = source.randrange(len(raw))
        kind = source.randrange(3)
        if kind == 0:
            flipped = raw[position] ^ (1 << source.randrange(8))
            mutated.append(raw[:position] + bytes([flipped]) + raw[position + 1 :])
        elif kind == 1:
            mutated.append(raw[:position])
        else:
            mutated.append(raw[:position] + source.randbytes(3) + raw[position:])
    return mutated


def test_mutated_transactions_are_skipped_or_valid_and_the_chain_goes_on() -> None:
    engine = WasmEngine(make_spec())
    raws = mutations(transaction(kind=1, access_list=[(STRANGER, [1, 2])]), 500)

    output = execute(engine, *raws)

    assert {skipped.reason for skipped in output.skipped} <= skip_reasons.ALL_REASONS
    assert len(output.skipped) + len(output.included) == 500
    assert execute(engine).number == 2


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x02", b"\xc0", b"\x80", b"\xff" * 9, b"\xc0" * 10_000, b"\xf9\xff\xff", b"\x02\xc0"],
    ids=["empty", "type", "empty list", "string", "length", "many lists", "cut", "typed list"],
)
def test_bytes_that_are_no_transaction_are_skipped(raw: bytes) -> None:
    engine = WasmEngine(make_spec())

    output = execute(engine, raw)

    assert [skipped.reason for skipped in output.skipped] == [skip_reasons.INVALID_ENCODING]
    assert engine.recover_senders([raw]) == [None]


def test_deeply_nested_lists_do_not_overflow_the_stack() -> None:
    nested = b"\xc0"
    while len(nested) < 300_000:
        size = len(nested).to_bytes(3, "big")
        nested = b"\xfa" + size + nested if len(nested) > 0xFFFF else _wrap(nested)
    engine = WasmEngine(make_spec())

    output = execute(engine, nested, b"\x02" + nested)

    assert len(output.skipped) == 2


def _wrap(payload: bytes) -> bytes:
    if len(payload) <= 55:
        return bytes([0xC0 + len(payload)]) + payload
    size = len(payload).to_bytes((len(payload).bit_length() + 7) // 8, "big")
    return bytes([0xF7 + len(size)]) + size + payload


@pytest.mark.parametrize(
    "changes",
    [
        {"coinbase": Address(b"\1" * 19)},
        {"prev_randao": Hash32(b"\1" * 33)},
        {"gas_limit": -1},
        {"gas_limit": 2**64},
        {"senders": (ALICE.address,)},
        {"timestamp_seconds": "now"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_block_of_wrong_shape_is_refused_and_leaves_the_engine_as_it_was(
    changes: dict[str, Any],
) -> None:
    engine = WasmEngine(make_spec())

    with pytest.raises(MalformedRequestError):
        engine.execute(replace(block_input(1), **changes))

    assert execute(engine).number == 1


def test_numbers_of_more_than_256_bits_are_refused() -> None:
    engine = WasmEngine(make_spec())

    assert engine.storage_at(STRANGER, 2**256 - 1) == 0
    with pytest.raises(MalformedRequestError):
        engine.storage_at(STRANGER, 2**256)
    with pytest.raises(MalformedRequestError):
        engine.call(CallRequest(sender=STRANGER, to=None, value_wei=2**256))


@pytest.mark.parametrize("fork", ["london", "osaka", ""])
def test_a_fork_that_the_engine_does_not_have_is_refused(fork: str) -> None:
    with pytest.raises(MalformedRequestError):
        WasmEngine(make_spec(fork=fork))


@pytest.mark.parametrize("fork", ["shanghai", "cancun", "prague"])
def test_its_own_forks_are_taken(fork: str) -> None:
    assert execute(WasmEngine(make_spec(fork=fork)), transaction()).receipts[0].is_success


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("request_", [None, 5, b"\xff", [None] * 8, [[[]]], [1.5], {"a": 1}])
def test_requests_of_the_wrong_shape_give_typed_errors(
    operation: Operation, request_: object
) -> None:
    instance = WasmInstance()

    with pytest.raises((MalformedRequestError, NotStartedError)):
        instance.invoke(operation, request_)


def test_an_engine_that_ran_out_of_memory_says_so_and_stays_closed() -> None:
    engine = WasmEngine(make_spec())
    engine._instance._store.set_limits(memory_size=engine.memory_size_bytes)
    oversized = bytes(64 * 1024 * 1024)

    with pytest.raises(EngineCrashedError):
        execute(engine, oversized)
    with pytest.raises(EngineCrashedError, match="crashed before"):
        engine.accounts([STRANGER])


@pytest.fixture
def other_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("stf.wasm", "SHA256SUMS"):
        (tmp_path / name).write_bytes((_wasm_abi.ARTIFACT_DIRECTORY / name).read_bytes())
    monkeypatch.setattr(_wasm_abi, "ARTIFACT_DIRECTORY", tmp_path)
    monkeypatch.setenv(_wasm_abi.CACHE_DIRECTORY_VARIABLE, str(tmp_path / "cache"))
    return tmp_path


def test_a_module_with_another_hash_is_refused(other_artifacts: Path) -> None:
    module = other_artifacts / "stf.wasm"
    module.write_bytes(module.read_bytes() + b"\0")

    with pytest.raises(ModuleRejectedError, match="expected SHA-256"):
        _wasm_abi._load_module.__wrapped__()


def test_a_missing_module_is_refused(other_artifacts: Path) -> None:
    (other_artifacts / "stf.wasm").unlink()

    with pytest.raises(ModuleRejectedError):
        _wasm_abi._load_module.__wrapped__()


def test_the_compiled_module_is_cached_and_a_broken_cache_is_replaced(
    other_artifacts: Path,
) -> None:
    _wasm_abi._load_module.__wrapped__()
    (cached,) = (other_artifacts / "cache" / "braid").iterdir()
    compiled = cached.read_bytes()
    cached.write_bytes(compiled[:1000])

    _, module = _wasm_abi._load_module.__wrapped__()

    assert isinstance(module, wasmtime.Module)
    assert cached.read_bytes() == compiled


def test_a_cache_that_others_may_write_is_not_trusted(other_artifacts: Path) -> None:
    _wasm_abi._load_module.__wrapped__()
    (cached,) = (other_artifacts / "cache" / "braid").iterdir()
    engine = wasmtime.Engine(_wasm_abi._configuration())

    assert _wasm_abi._read_cached_module(engine, cached) is not None
    cached.chmod(0o666)
    assert _wasm_abi._read_cached_module(engine, cached) is None
