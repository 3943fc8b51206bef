"""How many bits of security a parameter set has for a shape, round by round.

The interactive proof has one verifier's challenge per round. In each, a false statement becomes a
true-looking one with some probability; against a prover that hashes (Fiat–Shamir), the protocol is
as strong as its weakest round (round-by-round soundness, eprint 2024/1553, theorems 2 and 3).
Proof of work before a challenge multiplies the price of every attempt at that round, and counts
there and nowhere else (eprint 2021/582, section 6.3).

Regime: **unique decoding**. A committed column counts as low degree if fewer than (N − n)/2 of its
N values disagree with a polynomial of degree ≤ n (n rows; N = n / ρ points). Two such polynomials
would agree in more than n places and be equal, so the committed polynomials are determined before
the next challenge, whatever the prover does: no list, no conjecture. This also covers the quotient
(f − f(z))/(X − z), of degree < n, whose numerator has degree ≤ n. A column that is not low degree
loses at least (N − n)/2 of N places, so that one query overlooks it with probability (1 + ρ)/2.

The verifier checks each chip's identity by itself, and one false identity rejects the proof: so
the rounds of constraints and of the point z take the worst chip, not the sum over chips.

Sources
-------
2020/654   Proximity gaps for Reed–Solomon codes; theorem 1.5 (curves), δ ≤ (1 − ρ)/2: a curve of
           degree ℓ through words that are not all close is close at ≤ ℓ·N of its parameters
2021/582   ethSTARK: DEEP-ALI, grinding
2022/1530  Haböck: lookups by logarithmic derivatives
2024/1553  round-by-round soundness of FRI and of STARKs
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Final

from proving.air.chip import MAXIMUM_DEGREE
from proving.errors import ShapeOutOfBounds
from proving.field.extension import DEGREE
from proving.field.koalabear import P
from proving.fri.schedule import FoldStep, fold_schedule
from proving.parameters import Parameters

TARGET_BITS: Final = 96
REGIME: Final = "unique decoding"
FIELD_BITS: Final = DEGREE * log2(P)
HASH_COLLISION_BITS: Final = 128

QUOTIENT_CHUNKS: Final = MAXIMUM_DEGREE - 1
OPENING_POINTS_PER_COLUMN: Final = 2

MAX_LOOKUPS: Final = 1 << 34
MAX_TUPLE_LENGTH: Final = 128
MAX_CONSTRAINTS: Final = 1 << 14
MAX_OPENED_FUNCTIONS: Final = 1 << 15


@dataclass(frozen=True, slots=True)
class ProofShape:
    """What the error of a round depends on, apart from the parameters.

    Attributes
    ----------
    log_heights
        log2 of the chips' rows, in any order, possibly repeated.
    lookups
        Rows times interactions, summed over the chips, plus the verifier's own tuples.
    tuple_length
        Fields of the longest tuple on a bus.
    constraints
        Of the chip with the most, those of LogUp included.
    opened_functions
        Quotients (f − f(z))/(X − z) of all chips that one challenge batches.

    Raises
    ------
    ShapeOutOfBounds
        If a count is below one or above what this accounting was made for.
    """

    log_heights: tuple[int, ...]
    lookups: int
    tuple_length: int
    constraints: int
    opened_functions: int

    def __post_init__(self) -> None:
        limits = {
            "lookups": MAX_LOOKUPS,
            "tuple_length": MAX_TUPLE_LENGTH,
            "constraints": MAX_CONSTRAINTS,
            "opened_functions": MAX_OPENED_FUNCTIONS,
        }
        for field, limit in limits.items():
            value: int = getattr(self, field)
            if not 1 <= value <= limit:
                raise ShapeOutOfBounds(field, f"1..{limit}", value)


@dataclass(frozen=True, slots=True)
class SecurityLine:
    """One round.

    Attributes
    ----------
    bits
        −log2 of the round's error, grinding included.
    grinding_bits
        How many of them are proof of work.
    """

    round: str
    bits: float
    grinding_bits: int
    formula: str
    source: str


@dataclass(frozen=True, slots=True)
class SecurityReport:
    """All rounds of a parameter set for one shape."""

    parameters: str
    regime: str
    lines: tuple[SecurityLine, ...]

    @property
    def weakest(self) -> SecurityLine:
        """The round that decides."""
        return min(self.lines, key=lambda line: line.bits)

    @property
    def bits(self) -> float:
        """Bits of security: those of the weakest round."""
        return self.weakest.bits


def security_bits(parameters: Parameters, shape: ProofShape) -> SecurityReport:
    """Account for every round of a proof of that shape.

    Raises
    ------
    ShapeOutOfBounds
        If a height is outside what the parameters allow.
    """
    log_sizes = sorted({height + parameters.log_blowup for height in shape.log_heights})
    steps = fold_schedule(log_sizes, parameters)
    lines = (
        _lookup_line(parameters, shape),
        _constraint_line(shape),
        _deep_line(parameters, max(log_sizes)),
        _batching_line(parameters, shape, max(log_sizes)),
        *(_fold_line(number, step) for number, step in enumerate(steps, start=1)),
        _query_line(parameters),
        SecurityLine(
            "hash collisions", HASH_COLLISION_BITS, 0, "2^-128 per pair of calls", "SHA-256"
        ),
    )
    return SecurityReport(parameters.name, REGIME, lines)


def largest_shape(parameters: Parameters) -> ProofShape:
    """The worst shape that the parameters and this accounting allow: every height is present."""
    return ProofShape(
        log_heights=tuple(range(parameters.min_log_height, parameters.max_log_height + 1)),
        lookups=MAX_LOOKUPS,
        tuple_length=MAX_TUPLE_LENGTH,
        constraints=MAX_CONSTRAINTS,
        opened_functions=MAX_OPENED_FUNCTIONS,
    )


def _lookup_line(parameters: Parameters, shape: ProofShape) -> SecurityLine:
    """Cleared of denominators, an unbalanced sum is a polynomial in (γ, β) that is not zero.

    Its degree is ≤ lookups in γ and ≤ lookups · tuple_length in β, the bus being one more field
    of the tuple; and for each of the lookups one γ makes its denominator vanish.
    """
    bad_challenges = shape.lookups * (shape.tuple_length + 2)
    return SecurityLine(
        "LogUp challenges",
        FIELD_BITS - log2(bad_challenges) + parameters.lookup_grinding_bits,
        parameters.lookup_grinding_bits,
        "lookups · (tuple length + 2) / |F|",
        "2022/1530, Schwartz–Zippel",
    )


def _constraint_line(shape: ProofShape) -> SecurityLine:
    return SecurityLine(
        "constraint batching",
        FIELD_BITS - log2(shape.constraints),
        0,
        "constraints / |F|",
        "2021/582, ALI",
    )


def _deep_line(parameters: Parameters, log_size: int) -> SecurityLine:
    """A false identity of polynomials holds at no more points than its degree.

    The degree is taken as ethSTARK does, or by our chunks where they give more. z lies outside of
    the trace domain and of the extension's coset.
    """
    rows = 1 << (log_size - parameters.log_blowup)
    by_constraints = MAXIMUM_DEGREE * (rows + OPENING_POINTS_PER_COLUMN - 1) + rows - 1
    by_chunks = (QUOTIENT_CHUNKS + 1) * rows + OPENING_POINTS_PER_COLUMN - 1
    return SecurityLine(
        "DEEP point",
        log2(P**DEGREE - rows - (1 << log_size)) - log2(max(by_constraints, by_chunks)),
        0,
        "(degree · (n + 1) + n − 1) / (|F| − n − N)",
        "2021/582, DEEP-ALI",
    )


def _batching_line(parameters: Parameters, shape: ProofShape, log_size: int) -> SecurityLine:
    curve_degree = max(1, shape.opened_functions - 1)
    return SecurityLine(
        "FRI batching",
        FIELD_BITS - log2(curve_degree) - log_size + parameters.batching_grinding_bits,
        parameters.batching_grinding_bits,
        "(functions − 1) · N / |F|",
        "2020/654, theorem 1.5",
    )


def _fold_line(number: int, step: FoldStep) -> SecurityLine:
    """A fold is a curve in β through `arity` words, and one more where a polynomial rolls in."""
    curve_degree = step.arity - 1 + step.rolls_in
    return SecurityLine(
        f"FRI fold {number}: 2^{step.log_size} to 2^{step.log_folded_size}",
        FIELD_BITS - log2(curve_degree) - step.log_folded_size,
        0,
        "(arity − 1, or arity with a roll-in) · folded N / |F|",
        "2020/654, theorem 1.5; 2024/1553, theorem 2",
    )


def _query_line(parameters: Parameters) -> SecurityLine:
    bits_per_query = -log2((1 + parameters.rate) / 2)
    return SecurityLine(
        "FRI queries",
        parameters.query_count * bits_per_query + parameters.query_grinding_bits,
        parameters.query_grinding_bits,
        "((1 + ρ) / 2)^queries",
        "2024/1553, theorem 2",
    )
