"""The prover. The protocol is in `verifier`; what is said when, in `transcript_order`.

Nothing here checks that the traces satisfy the constraints: of ones that do not, it makes a proof
that the verifier rejects. `air.check` says what is wrong with a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from proving.air.logup import LookupChallenges
from proving.commitment.merkle import MerkleTree, commit
from proving.errors import ShapeOutOfBounds
from proving.field import jax_base as base
from proving.field.extension import ZERO, Extension
from proving.field.koalabear import inverse
from proving.field.ntt import low_degree_extend
from proving.fri import prover as fri
from proving.stark import transcript_order as order
from proving.stark.columns import on_device
from proving.stark.deep_phase import open_columns, reduced_polynomial
from proving.stark.instance import ABSENT, Instance, Matrix, Tree
from proving.stark.lookup_phase import lookup_columns
from proving.stark.proof import OpenedValues, Proof
from proving.stark.quotient_phase import quotient_chunks
from proving.stark.setup import CanonicalColumns, ProvingKey
from proving.transcript import Transcript

# isort: split
import jax.numpy as jnp
import numpy as np
from jax import Array

PHASES = ("main", "lookups", "quotient", "open", "fri", "queries")
Progress = Callable[[str, float], None]
"""Called with the phase and the fraction of the whole proof that is done before it."""


@dataclass(frozen=True, slots=True)
class ProvingReport:
    """How long a proof took.

    Attributes
    ----------
    seconds
        By phase.
    """

    seconds: dict[str, float] = field(default_factory=dict)


def prove(
    key: ProvingKey,
    traces: Mapping[str, CanonicalColumns],
    public_values: Sequence[int],
    on_progress: Progress | None = None,
) -> tuple[Proof, ProvingReport]:
    """Prove that the machine accepts with these public values.

    Parameters
    ----------
    traces
        Main columns of the chips that are present, by name: (columns, rows), canonical.

    Raises
    ------
    ShapeOutOfBounds
        If a trace has a wrong width, or rows that are not a power of two.
    MalformedProof
        If a height is outside of what the verifier would accept.
    """
    report = ProvingReport()
    run = ProverRun(key, traces, public_values)
    steps: dict[str, Callable[[], None]] = {
        "main": run.commit_main,
        "lookups": run.commit_lookups,
        "quotient": run.commit_quotient,
        "open": run.open_values,
        "fri": run.run_fri,
        "queries": run.open_queries,
    }
    for number, phase in enumerate(PHASES):
        if on_progress:
            on_progress(phase, number / len(PHASES))
        with _timed(report, phase):
            steps[phase]()
    if on_progress:
        on_progress("done", 1.0)
    return run.proof(), report


@contextmanager
def _timed(report: ProvingReport, phase: str) -> Iterator[None]:
    start = perf_counter()
    yield
    report.seconds[phase] = perf_counter() - start


class ProverRun:
    """The state of one proof, phase by phase, in the order of `PHASES`."""

    def __init__(
        self,
        key: ProvingKey,
        traces: Mapping[str, CanonicalColumns],
        public_values: Sequence[int],
    ) -> None:
        self._key = key
        self._parameters = key.verifying_key.proof_parameters
        self._instance = Instance(key.verifying_key, _log_heights(key, traces))
        self._traces = traces
        self._transcript: Transcript = order.begin(self._instance, public_values)
        self._trees: dict[Tree, MerkleTree] = {}
        if key.preprocessed_tree:
            self._trees[Tree.PREPROCESSED] = key.preprocessed_tree
        self._nonces: list[int] = []

    def commit_main(self) -> None:
        """Extend and commit to the main columns; draw γ and β."""
        instance = self._instance
        self._columns = [on_device(t.air.name, self._traces[t.air.name]) for t in instance.tables]
        self._commit(Tree.MAIN, self._columns)
        self._lookups: LookupChallenges = order.after_main(
            self._transcript,
            self._trees[Tree.MAIN].root,
            self._parameters.lookup_grinding_bits,
            self._grind,
        )

    def commit_lookups(self) -> None:
        """Compute, extend and commit to the lookup columns; draw α."""
        instance, columns = self._instance, []
        self._sums: dict[int, Extension] = {}
        for number in instance.lookup_tables:
            table = instance.tables[number]
            main = self._columns[number]
            nothing = np.zeros((0, table.height), np.uint32)
            own, self._sums[number] = lookup_columns(
                self._key.evaluators[table.air.name],
                main,
                self._key.preprocessed.get(table.air.name, nothing),
                self._parameters_of(table.air.name),
                self._lookups,
            )
            columns.append(own)
        del self._columns
        self._commit(Tree.LOOKUP, columns)
        self._alpha = order.after_lookups(
            self._transcript, self._trees[Tree.LOOKUP].root, list(self._sums.values())
        )

    def commit_quotient(self) -> None:
        """Compute and commit to the quotients; draw z."""
        instance, chunks = self._instance, []
        extended = self._extended()
        for number, table in enumerate(instance.tables):
            size = table.height << self._parameters.log_blowup
            nothing = np.zeros((0, size), np.uint32)
            main, preprocessed, lookups = (
                extended.get((tree, number), nothing)
                for tree in (Tree.MAIN, Tree.PREPROCESSED, Tree.LOOKUP)
            )
            own = quotient_chunks(
                self._key.evaluators[table.air.name],
                (main, preprocessed, lookups),
                self._sums.get(number, ZERO) * inverse(table.height),
                self._parameters_of(table.air.name),
                self._lookups,
                self._alpha,
                table.log_height,
            )
            chunks.append(own)
        self._trees[Tree.QUOTIENT] = commit(chunks)
        self._z = order.after_quotient(self._transcript, self._trees[Tree.QUOTIENT].root)

    def open_values(self) -> None:
        """Open all columns at z, and some at the next row; draw λ."""
        extended = self._extended()
        self._opened: tuple[OpenedValues, ...] = tuple(
            open_columns(matrix, extended[matrix.tree, matrix.table], self._z)
            for matrix in self._instance.matrices
        )
        values = [value for o in self._opened for value in (*o.here, *o.following)]
        self._batching = order.after_opened_values(
            self._transcript, values, self._parameters.batching_grinding_bits, self._grind
        )

    def run_fri(self) -> None:
        """Batch the claims by size, and show that they are true."""
        extended = self._extended()
        by_height: dict[int, list[tuple[Matrix, Array, OpenedValues]]] = {}
        for matrix, opened in zip(self._instance.matrices, self._opened, strict=True):
            member = (matrix, extended[matrix.tree, matrix.table], opened)
            by_height.setdefault(matrix.log_height, []).append(member)
        inputs = {
            log_height + self._parameters.log_blowup: reduced_polynomial(
                members, self._z, self._batching, log_height
            )
            for log_height, members in by_height.items()
        }
        self._fri, self._indices = fri.prove(self._parameters, self._transcript, inputs)

    def open_queries(self) -> None:
        """Open the rows that FRI asked for, in all trees."""
        openings = []
        for tree in self._instance.trees:
            committed = self._trees[tree]
            height = 1 << max(log for _, log in committed.dimensions)
            openings.append(committed.open_many([index % height for index in self._indices]))
        self._queries = tuple(zip(*openings, strict=True))

    def proof(self) -> Proof:
        """Return everything that was sent."""
        lookup_nonce, batching_nonce = self._nonces
        return Proof(
            log_heights=self._instance.log_heights,
            main_root=self._trees[Tree.MAIN].root,
            lookup_nonce=lookup_nonce,
            lookup_root=self._trees[Tree.LOOKUP].root,
            sums=tuple(self._sums.values()),
            quotient_root=self._trees[Tree.QUOTIENT].root,
            opened=self._opened,
            batching_nonce=batching_nonce,
            fri=self._fri,
            queries=self._queries,
        )

    def _commit(self, tree: Tree, columns: Sequence[Array]) -> None:
        extended = [low_degree_extend(own, self._parameters.log_blowup) for own in columns]
        self._trees[tree] = commit(extended)

    def _extended(self) -> dict[tuple[Tree, int], Array]:
        """Return the extensions committed so far by tree and table."""
        return {
            (matrix.tree, matrix.table): extended
            for tree, committed in self._trees.items()
            for matrix, extended in zip(
                self._instance.matrices_of(tree), committed.matrices, strict=True
            )
        }

    def _parameters_of(self, chip: str) -> Array:
        names = self._key.evaluators[chip].parameter_names
        values = [base.constant(self._key.verifying_key.parameters[name]) for name in names]
        return jnp.asarray(np.array(values, np.uint32))

    def _grind(self, label: str, bits: int) -> None:
        self._nonces.append(self._transcript.grind(label, bits))


def _log_heights(key: ProvingKey, traces: Mapping[str, CanonicalColumns]) -> tuple[int, ...]:
    log_heights = []
    chips = {rule.air.name: rule.air for rule in key.verifying_key.machine.chips}
    unknown = set(traces) - set(chips)
    if unknown:
        raise ShapeOutOfBounds("traces", f"of chips among {sorted(chips)}", sorted(unknown))
    for name, air in chips.items():
        trace = traces.get(name)
        if trace is None:
            log_heights.append(ABSENT)
            continue
        if trace.ndim != 2 or trace.shape[0] != air.main_width:
            raise ShapeOutOfBounds(f"columns of {name}", str(air.main_width), trace.shape)
        log_heights.append(trace.shape[1].bit_length() - 1)
    return tuple(log_heights)
