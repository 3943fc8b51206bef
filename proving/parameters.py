"""Parameter sets of the proof system, as data.

A verifier names the set that it accepts; a proof never chooses its own. `proving.security` says
how many bits a set is worth for a shape, and the tests hold both sets below to 96 bits for the
largest shape that they allow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

from proving.errors import UnknownParameters, UnusableParameters
from proving.field.koalabear import TWO_ADICITY

MAX_NAME_BYTES: Final = 32
MAX_QUERIES: Final = 1024
MAX_GRINDING_BITS: Final = 32
MAX_LOG_ARITY: Final = 3


@dataclass(frozen=True, slots=True)
class Parameters:
    """One parameter set.

    Attributes
    ----------
    name
        Part of the encoding, so that proofs of two sets never look alike.
    log_blowup
        log2 of low-degree extension size over trace height; the code rate is 2^-log_blowup.
    query_count
        FRI queries.
    lookup_grinding_bits, batching_grinding_bits, query_grinding_bits
        Proof of work before the LogUp challenges, the batching challenge and the query indices.
    log_final_length
        log2 of the number of coefficients of FRI's final polynomial.
    max_log_arity
        log2 of the largest number of values that one FRI layer folds into one.
    min_log_height, max_log_height
        Bounds on log2 of a chip's rows.

    Raises
    ------
    UnusableParameters
        If a field breaks its bound, or the largest extension exceeds the field's two-adicity.
    """

    name: str
    log_blowup: int
    query_count: int
    lookup_grinding_bits: int
    batching_grinding_bits: int
    query_grinding_bits: int
    log_final_length: int
    max_log_arity: int
    min_log_height: int
    max_log_height: int

    def __post_init__(self) -> None:
        bounds = {
            "log_blowup": (1, TWO_ADICITY),
            "query_count": (1, MAX_QUERIES),
            "lookup_grinding_bits": (0, MAX_GRINDING_BITS),
            "batching_grinding_bits": (0, MAX_GRINDING_BITS),
            "query_grinding_bits": (0, MAX_GRINDING_BITS),
            "max_log_arity": (1, MAX_LOG_ARITY),
            "log_final_length": (0, self.min_log_height),
            "min_log_height": (0, self.max_log_height),
            "max_log_height": (0, TWO_ADICITY - self.log_blowup),
        }
        for field, (low, high) in bounds.items():
            value: int = getattr(self, field)
            if not low <= value <= high:
                raise UnusableParameters(field, f"{low}..{high}", value)
        name_bytes = len(self.name.encode())
        if not 1 <= name_bytes <= MAX_NAME_BYTES:
            raise UnusableParameters("bytes of name", f"1..{MAX_NAME_BYTES}", name_bytes)

    @property
    def rate(self) -> float:
        """Rate ρ of the Reed–Solomon codes, all heights alike."""
        return float(2**-self.log_blowup)

    @property
    def final_length(self) -> int:
        """Number of coefficients of FRI's final polynomial."""
        return 1 << self.log_final_length

    def encode(self) -> bytes:
        """Every field, for the transcript: 4-byte length and name, then 4 bytes per integer."""
        name = self.name.encode()
        integers: list[int] = [
            getattr(self, field.name) for field in fields(self) if field.name != "name"
        ]
        return b"".join(
            [
                len(name).to_bytes(4, "big"),
                name,
                *(value.to_bytes(4, "big") for value in integers),
            ]
        )


FAST: Final = Parameters(
    name="fast",
    log_blowup=1,
    query_count=193,
    lookup_grinding_bits=16,
    batching_grinding_bits=16,
    query_grinding_bits=16,
    log_final_length=5,
    max_log_arity=3,
    min_log_height=5,
    max_log_height=22,
)
"""Cheapest to prove: extensions of twice the trace, many queries."""

SETTLEMENT: Final = Parameters(
    name="settlement",
    log_blowup=3,
    query_count=97,
    lookup_grinding_bits=16,
    batching_grinding_bits=16,
    query_grinding_bits=16,
    log_final_length=5,
    max_log_arity=3,
    min_log_height=5,
    max_log_height=21,
)
"""Half the queries for a verifier on L1; chips are half as high, for the field has no larger
domain than 2^24."""

KNOWN_PARAMETERS: Final = MappingProxyType({known.name: known for known in (FAST, SETTLEMENT)})
"""The sets that a verifier accepts by name."""


def parameters_named(name: str) -> Parameters:
    """Return the registered set of that name.

    Raises
    ------
    UnknownParameters
        If there is none.
    """
    known = KNOWN_PARAMETERS.get(name)
    if known is None:
        raise UnknownParameters(name, tuple(KNOWN_PARAMETERS))
    return known
