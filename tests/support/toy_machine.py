"""A small machine that has one of everything: toy chips for tests of the proof system.

fibonacci   all four domains, next-row reads, a parameter; sends its last value to the verifier
squares     preprocessed table of squares, with a column of multiplicities
user        looks squares up, two interactions to a column, and a tuple of degree 2
mixer       optional; long sums, products of degree 3, a circle around the last row
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from proving.air.chip import AirBuilder, Bus, ChipDefinition, Domain, compile_chip
from proving.air.expression import total
from proving.field.koalabear import P
from proving.parameters import Parameters
from proving.stark.machine import ChipRule, Machine, VerifierTerm
from proving.stark.setup import ProvingKey, setup

Columns = npt.NDArray[np.uint32]

OUTPUT = Bus(21, "output", ("value",))
SQUARE = Bus(22, "square", ("root", "square"))

PARAMETERS = {"seed": 5}
LOG_SQUARES = 6
OPTIONAL_CHIPS = ("user", "mixer")

TESTING = Parameters(
    name="testing",
    log_blowup=1,
    query_count=6,
    lookup_grinding_bits=3,
    batching_grinding_bits=2,
    query_grinding_bits=4,
    log_final_length=2,
    max_log_arity=3,
    min_log_height=2,
    max_log_height=16,
)
"""Few queries: for tests of completeness, and of faults that no query is needed to find."""

TESTING_SETTLEMENT = Parameters(
    name="testing settlement",
    log_blowup=3,
    query_count=4,
    lookup_grinding_bits=1,
    batching_grinding_bits=0,
    query_grinding_bits=2,
    log_final_length=1,
    max_log_arity=2,
    min_log_height=2,
    max_log_height=16,
)


def _fibonacci(air: AirBuilder) -> None:
    a, b, is_end = (air.local.one(name) for name in ("a", "b", "is_end"))
    air.assert_equal("starts at 1", a, 1, Domain.FIRST_ROW)
    air.assert_equal("goes on at the seed", b, air.parameter("seed"), Domain.FIRST_ROW)
    air.assert_equal("shifts", air.next.one("a"), b, Domain.TRANSITION)
    air.assert_equal("adds", air.next.one("b"), a + b, Domain.TRANSITION)
    air.assert_zero("ends nowhere else", is_end, Domain.TRANSITION)
    air.assert_equal("ends", is_end, 1, Domain.LAST_ROW)
    air.send(OUTPUT, (a,), is_end)


def _squares(air: AirBuilder) -> None:
    root, square = air.preprocessed.one("root"), air.preprocessed.one("square")
    air.send(SQUARE, (root, square), air.local.one("multiplicity"))


def _user(air: AirBuilder) -> None:
    local = air.local
    flag, roots, squares = local.one("flag"), local.many("roots"), local.many("squares")
    air.assert_boolean("flag is boolean", flag)
    for root, square in zip(roots, squares, strict=True):
        air.receive(SQUARE, (root, square), flag)
    # the sum of the first two roots, squared: a tuple of degree 2
    cross = squares[0] + squares[1] + 2 * roots[0] * roots[1]
    air.receive(SQUARE, (roots[0] + roots[1], cross), flag)


def _mixer(air: AirBuilder) -> None:
    local, following = air.local.many("cells"), air.next.many("cells")
    for k in range(0, 12, 3):
        air.assert_equal(f"product {k}", local[k] * local[k + 1] * 3, local[k + 2] * 3)
    weighted = total(cell * (k + 2) for k, cell in enumerate(local[:12]))
    air.assert_equal("long sum", local[12], weighted)
    air.assert_zero("cube", (local[12] - weighted) * (local[0] + 7) * (local[1] - weighted))
    air.assert_equal("circle", following[13], local[0] - weighted)


FIBONACCI = ChipDefinition("fibonacci", {"a": 1, "b": 1, "is_end": 1}, _fibonacci)
SQUARES = ChipDefinition(
    "squares", {"multiplicity": 1}, _squares, preprocessed={"root": 1, "square": 1}
)
USER = ChipDefinition("user", {"flag": 1, "roots": 3, "squares": 3}, _user)
MIXER = ChipDefinition("mixer", {"cells": 14}, _mixer)


def verifier_terms(
    parameters: Mapping[str, int], public_values: Sequence[int]
) -> list[VerifierTerm]:
    """Take the last value of the sequence."""
    return [VerifierTerm(OUTPUT, (value,), -1) for value in public_values]


TOY_MACHINE = Machine(
    name="toy 1",
    chips=(
        ChipRule(compile_chip(FIBONACCI)),
        ChipRule(compile_chip(SQUARES)),
        ChipRule(compile_chip(USER), is_optional=True, max_log_height=12),
        ChipRule(compile_chip(MIXER), is_optional=True),
    ),
    verifier_terms=verifier_terms,
    max_public_values=2,
)


def toy_key(parameters: Parameters = TESTING) -> ProvingKey:
    """Set the machine up with its table of squares."""
    roots = np.arange(1 << LOG_SQUARES, dtype=np.uint32)
    preprocessed = {"squares": np.stack([roots, roots * roots])}
    return setup(TOY_MACHINE, preprocessed, PARAMETERS, parameters)


def toy_traces(
    log_fibonacci: int = 4, log_user: int | None = 5, log_mixer: int | None = 3
) -> tuple[dict[str, Columns], list[int]]:
    """Fill the tables honestly; returns them with the public values."""
    generator = np.random.default_rng(17)
    fibonacci = fibonacci_trace(log_fibonacci)
    multiplicity = np.zeros(1 << LOG_SQUARES, np.uint32)
    traces = {"fibonacci": fibonacci, "squares": multiplicity[None]}
    if log_user is not None:
        rows = 1 << log_user
        roots = generator.integers(0, 1 << (LOG_SQUARES - 1), (3, rows), dtype=np.uint32)
        flag = generator.integers(0, 2, rows, dtype=np.uint32)
        traces["user"] = np.stack([flag, *roots, *(roots * roots)])
        for looked_up in (*roots, roots[0] + roots[1]):
            np.add.at(multiplicity, looked_up, flag)
    if log_mixer is not None:
        traces["mixer"] = mixer_trace(generator, 1 << log_mixer)
    return traces, [int(fibonacci[0, -1])]


def fibonacci_trace(log_height: int) -> Columns:
    """Return the sequence from 1 and the seed."""
    rows = 1 << log_height
    values = [1, PARAMETERS["seed"]]
    while len(values) <= rows:
        values.append((values[-2] + values[-1]) % P)
    is_end = [0] * (rows - 1) + [1]
    return np.array([values[:rows], values[1 : rows + 1], is_end], np.uint32)


def mixer_trace(generator: np.random.Generator, rows: int) -> Columns:
    """Return random products with their sums."""
    cells = generator.integers(0, P, (14, rows)).astype(np.uint64)
    for k in range(0, 12, 3):
        cells[k + 2] = cells[k] * cells[k + 1] % P
    weighted = sum(cells[k] * (k + 2) % P for k in range(12)) % P
    cells[12] = weighted
    cells[13] = np.roll((cells[0] + P - weighted) % P, 1)
    return cells.astype(np.uint32)
