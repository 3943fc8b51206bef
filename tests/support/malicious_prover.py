"""Provers that lie: the honest prover's code, run over something changed, everything else honest.

Each function returns the bytes of a proof that is as consistent as the lie allows. Works for any
machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from proving.air.logup import LookupChallenges
from proving.field.extension import Extension
from proving.field.koalabear import P
from proving.stark import prover
from proving.stark.codec import encode
from proving.stark.constraint_check import (
    ConstraintChallenges,
    expected_quotient,
    extensions_of,
)
from proving.stark.instance import Instance, Matrix, Tree
from proving.stark.proof import OpenedValues
from proving.stark.prover import prove
from proving.stark.setup import ProvingKey

Columns = npt.NDArray[np.uint32]
Traces = Mapping[str, Columns]


def with_cell(traces: Traces, chip: str, column: int, row: int, value: int) -> dict[str, Columns]:
    """Return the traces with one cell changed."""
    changed = {name: trace.copy() for name, trace in traces.items()}
    changed[chip][column, row] = value % P
    return changed


def proof_of(key: ProvingKey, traces: Traces, public_values: Sequence[int]) -> bytes:
    """Prove, whatever the traces say."""
    proof, _ = prove(key, traces, public_values)
    return encode(proof)


def with_other_program(
    key: ProvingKey, other: ProvingKey, traces: Traces, public_values: Sequence[int]
) -> bytes:
    """Prove with the preprocessed tables of another program, but in the name of this one."""
    return proof_of(replace(other, verifying_key=key.verifying_key), traces, public_values)


def with_claimed_sums(
    key: ProvingKey,
    traces: Traces,
    public_values: Sequence[int],
    change: Callable[[int, Extension], Extension],
    *,
    adapts_columns: bool,
) -> bytes:
    """Claim other lookup sums than the tables have.

    Parameters
    ----------
    change
        From the number of the table (among those with interactions) and its sum, to what is
        claimed.
    adapts_columns
        Whether φ takes its share of the claimed sum off in each row, so that all rows are right
        but the last; otherwise φ belongs to the true sum.
    """
    honest: Any = prover.lookup_columns
    calls = iter(range(len(traces)))

    def lying(*arguments: Any) -> tuple[Any, Extension]:
        columns, own_sum = honest(*arguments)
        claimed = change(next(calls), own_sum)
        if adapts_columns:
            columns = _with_share(columns, claimed - own_sum)
        return columns, claimed

    with patch.object(prover, "lookup_columns", lying):
        return proof_of(key, traces, public_values)


def with_fitted_quotients(key: ProvingKey, traces: Traces, public_values: Sequence[int]) -> bytes:
    """Open each quotient at whatever satisfies the constraints; FRI batches the false claims."""
    honest_quotient: Any = prover.quotient_chunks
    honest_opening: Any = prover.open_columns
    chips = key.verifying_key.machine.chips
    heights = [traces[r.air.name].shape[1] if r.air.name in traces else 1 for r in chips]
    instance = Instance(key.verifying_key, [height.bit_length() - 1 for height in heights])
    drawn: list[tuple[Extension, LookupChallenges, Extension]] = []
    opened: dict[int, dict[Tree, OpenedValues]] = {}

    def watching(
        evaluator: Any,
        extended: Any,
        sum_per_row: Extension,
        parameters: Any,
        challenges: LookupChallenges,
        alpha: Extension,
        log_height: int,
    ) -> Any:
        drawn.append((sum_per_row, challenges, alpha))
        return honest_quotient(
            evaluator, extended, sum_per_row, parameters, challenges, alpha, log_height
        )

    def fitting(matrix: Matrix, extended: Any, z: Extension) -> OpenedValues:
        values: OpenedValues = honest_opening(matrix, extended, z)
        own = opened.setdefault(matrix.table, {})
        own[matrix.tree] = values
        if matrix.tree is not Tree.QUOTIENT:
            return values
        table = instance.tables[matrix.table]
        sum_per_row, lookups, alpha = drawn[matrix.table]
        challenges = ConstraintChallenges(lookups, alpha, z)
        claimed = sum_per_row * table.height
        numbers = key.verifying_key.parameters
        wanted = expected_quotient(table, own, claimed, challenges, numbers)
        low, high = extensions_of(values.here)
        first = values.here[0] + wanted - (low + z**table.height * high)
        return replace(values, here=(first, *values.here[1:]))

    with (
        patch.object(prover, "quotient_chunks", watching),
        patch.object(prover, "open_columns", fitting),
    ):
        return proof_of(key, traces, public_values)


def with_high_degree(
    key: ProvingKey, traces: Traces, public_values: Sequence[int], share: float
) -> bytes:
    """Commit to main columns that differ from low-degree ones at that share of the points."""
    honest: Any = prover.low_degree_extend
    generator = np.random.default_rng(3)

    def lying(columns: Any, log_blowup: int) -> Any:
        extended = np.array(honest(columns, log_blowup))
        count = int(share * extended.shape[1])
        where = generator.choice(extended.shape[1], count, replace=False)
        extended[0, where] = generator.integers(0, P, count, dtype=np.uint32)
        return jnp.asarray(extended)

    with patch.object(prover, "low_degree_extend", lying):
        return proof_of(key, traces, public_values)


def _with_share(columns: Any, difference: Extension) -> Any:
    """Take row / n of the difference off φ, the last four rows of the columns."""
    changed = np.array(columns).astype(np.uint64)
    height = changed.shape[1]
    per_row = difference * pow(height, -1, P)
    rows = np.arange(height, dtype=np.uint64)
    for position, coordinate in enumerate(per_row.coefficients, start=len(changed) - 4):
        # Montgomery form: times 2^32
        share = rows * np.uint64(coordinate) % np.uint64(P) * np.uint64(2**32 % P) % np.uint64(P)
        changed[position] = (changed[position] + np.uint64(P) - share) % np.uint64(P)
    return jnp.asarray(changed.astype(np.uint32))
