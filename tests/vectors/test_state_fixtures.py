"""Ethereum's own state tests, run by the wasm engine: every case of three forks must pass."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from execution._wasm_abi import Operation, WasmInstance

FIXTURES: Final = (
    Path(__file__).resolve().parents[2] / ".." / "shared" / "vectors" / "evm" / "state_tests"
)
EXPECTED_COUNTS: Final = {"Shanghai": 7, "Prague": 764}
"""The files hold outcomes for these two of our forks only; Cancun's tests are filled for Prague."""

pytestmark = [
    pytest.mark.vectors,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the state tests are not on this machine"),
]


@dataclass(frozen=True, slots=True)
class StateTest:
    """One transaction on a given state, and the state root and logs hash it must lead to."""

    name: str
    fork: str
    request: list[object]
    state_root: bytes
    logs_hash: bytes
    is_invalid: bool


def hex_bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def wide(text: str) -> int | bytes:
    value = int(text, 16)
    return value if value < 1 << 64 else value.to_bytes(32, "big")


def padded(text: str) -> bytes:
    return hex_bytes(text).rjust(32, b"\0")


def encode_pre_state(pre: dict[str, Any]) -> list[object]:
    return [
        [
            hex_bytes(address),
            int(account["nonce"], 16),
            wide(account["balance"]),
            hex_bytes(account["code"]),
            [[wide(slot), wide(value)] for slot, value in account["storage"].items()],
        ]
        for address, account in pre.items()
    ]


def encode_environment(environment: dict[str, str]) -> list[object]:
    return [
        int(environment["currentNumber"], 16),
        int(environment["currentTimestamp"], 16),
        padded(environment["currentRandom"]),
        hex_bytes(environment["currentCoinbase"]),
        int(environment["currentGasLimit"], 16),
        int(environment["currentBaseFee"], 16),
        int(environment.get("currentExcessBlobGas", "0x0"), 16),
    ]


def read_state_tests(path: Path) -> Iterator[StateTest]:
    for name, test in json.loads(path.read_text(encoding="utf-8")).items():
        for fork, outcomes in test["post"].items():
            if fork not in EXPECTED_COUNTS:
                continue
            for outcome in outcomes:
                yield StateTest(
                    name=f"{name} {outcome['indexes']}",
                    fork=fork,
                    request=[
                        [fork.lower(), 1, 0, False, False],
                        encode_environment(test["env"]),
                        encode_pre_state(test["pre"]),
                        hex_bytes(outcome["txbytes"]),
                    ],
                    state_root=hex_bytes(outcome["hash"]),
                    logs_hash=hex_bytes(outcome["logs"]),
                    is_invalid="expectException" in outcome,
                )


@cache
def all_failures() -> tuple[Counter[str], list[str]]:
    instance = WasmInstance()
    passed: Counter[str] = Counter()
    failures = []
    for path in sorted(FIXTURES.rglob("*.json")):
        for test in read_state_tests(path):
            state_root, logs_hash, skip_reason = instance.invoke(Operation.STATE_TEST, test.request)
            is_as_expected = (
                state_root == test.state_root
                and logs_hash == test.logs_hash
                and (skip_reason is not None) == test.is_invalid
            )
            if is_as_expected:
                passed[test.fork] += 1
            else:
                failures.append(f"{test.fork} {test.name}: {skip_reason}")
    return passed, failures


def test_no_state_test_fails() -> None:
    _, failures = all_failures()

    assert failures == []


@pytest.mark.parametrize("fork", EXPECTED_COUNTS)
def test_every_state_test_of_the_fork_was_run_and_passes(fork: str) -> None:
    passed, _ = all_failures()

    print(f"{fork}: {passed[fork]} state tests pass")  # noqa: T201
    assert passed[fork] == EXPECTED_COUNTS[fork]
