"""Calls of the verifier's libraries, one by one, on the product's engine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import (
    function_abi_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)

from contracts.verifier.artifact import VerifierArtifact, read_artifact
from contracts.verifier.rehearsal import RehearsalChain, error_name
from execution.types import Address
from proving.field.extension import DEGREE, Extension
from proving.field.koalabear import P

PROBE_PATH = Path(__file__).parent / "VerifierProbe.json"
EDGES = (0, 1, 2, P - 2, P - 1, 1 << 24, (1 << 24) - 1, (1 << 30) + 1)


class Refused(Exception):
    """The probe reverts; its text is the error's name."""


class Probe:
    """The deployed probe."""

    def __init__(self) -> None:
        self._chain = RehearsalChain()
        self._abi = probe_artifact().abi
        address = self._chain.create(probe_artifact().bytecode).receipt.contract_address
        assert address is not None
        self._address: Address = address

    def __call__(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        """Call a function; raises Refused if it reverts."""
        (entry,) = (e for e in self._abi if e.get("name") == function)
        data = function_abi_to_4byte_selector(entry) + encode(get_abi_input_types(entry), arguments)
        is_success, output = self._chain.call(self._address, data)
        if not is_success:
            raise Refused(error_name(output))
        return decode(get_abi_output_types(entry), output)


@cache
def probe_artifact() -> VerifierArtifact:
    return read_artifact(PROBE_PATH)


@cache
def shared_probe() -> Probe:
    return Probe()


def to_bytes(values: Sequence[Extension]) -> bytes:
    """Elements as a proof has them."""
    return b"".join(c.to_bytes(4, "big") for value in values for c in value.coefficients)


def one_to_bytes(value: Extension) -> bytes:
    return to_bytes([value])


def from_bytes(encoded: bytes) -> Extension:
    words = [int.from_bytes(encoded[at : at + 4], "big") for at in range(0, 4 * DEGREE, 4)]
    assert max(words) < P
    return Extension(words)


def random_element(chance: random.Random) -> Extension:
    """Coordinates at random, some of them at the edges."""
    return Extension(
        [
            chance.choice(EDGES) if chance.random() < 0.2 else chance.randrange(P)
            for _ in range(DEGREE)
        ]
    )


def random_elements(chance: random.Random, count: int) -> list[Extension]:
    return [random_element(chance) for _ in range(count)]
