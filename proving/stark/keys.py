"""The verifying key: what a verifier has to know before it sees a proof."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from proving.errors import UnusableParameters
from proving.field.koalabear import P
from proving.parameters import Parameters
from proving.stark.air_digest import air_digest, parameter_names
from proving.stark.machine import Machine


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """Machine, program and parameters, as far as a verifier needs them.

    Attributes
    ----------
    proof_parameters
        Parameter set of the proof system.
    parameters
        The numbers that chips and verifier terms refer to by name, canonical.
    preprocessed_log_heights
        log2 of the rows of each chip with preprocessed columns, by the chip's name.
    preprocessed_root
        Root of the tree over all preprocessed columns; None if there are none.
    digest
        SHA-256 digest of all of it; proofs are bound to it.

    Raises
    ------
    UnusableParameters
        If a parameter is missing or not canonical, or preprocessed heights are missing, superfluous
        or out of bounds.
    """

    machine: Machine
    proof_parameters: Parameters
    parameters: Mapping[str, int]
    preprocessed_log_heights: Mapping[str, int]
    preprocessed_root: bytes | None
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        fixed = {rule.air.name for rule in self.machine.chips if rule.air.preprocessed_width}
        if set(self.preprocessed_log_heights) != fixed or bool(fixed) != bool(
            self.preprocessed_root
        ):
            raise UnusableParameters(
                "preprocessed tables", str(sorted(fixed)), len(self.preprocessed_log_heights)
            )
        low, high = self.proof_parameters.min_log_height, self.proof_parameters.max_log_height
        for name, log_height in self.preprocessed_log_heights.items():
            if not low <= log_height <= high:
                raise UnusableParameters(
                    f"log2 of the rows of {name}", f"{low}..{high}", log_height
                )
        for name, value in self.parameters.items():
            if not 0 <= value < P:
                raise UnusableParameters(name, f"0..{P - 1}", value)
        named = {name for rule in self.machine.chips for name in parameter_names(rule.air)}
        missing = named - set(self.parameters)
        if missing:
            raise UnusableParameters("parameters that chips name", str(sorted(named)), len(missing))
        for name in ("parameters", "preprocessed_log_heights"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        object.__setattr__(self, "digest", hashlib.sha256(self.encode()).digest())

    def encode(self) -> bytes:
        """Return what the digest is of."""
        airs = [air_digest(rule.air) for rule in self.machine.chips]
        return b"".join(
            [
                b"braid verifying key 1",
                _text(self.machine.name),
                self.proof_parameters.encode(),
                _word(len(airs)),
                *airs,
                _numbers(self.parameters),
                _numbers(self.preprocessed_log_heights),
                self.preprocessed_root or b"",
            ]
        )


def _numbers(named: Mapping[str, int]) -> bytes:
    entries = [_text(name) + _word(value) for name, value in sorted(named.items())]
    return _word(len(entries)) + b"".join(entries)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _word(len(encoded)) + encoded


def _word(value: int) -> bytes:
    return value.to_bytes(4, "big")
