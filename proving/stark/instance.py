"""What a verifying key and the heights of a proof determine: tables, trees and matrices.

Prover and verifier derive all shapes from here; nothing about them is read from a proof but the
heights, and those are checked before anything else is derived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from proving.air.chip import MAXIMUM_DEGREE, Air
from proving.air.logup import LookupLayout, lookup_layout
from proving.errors import OutOfRange, WrongLength
from proving.field.extension import DEGREE
from proving.field.koalabear import P
from proving.stark.keys import VerifyingKey
from proving.stark.machine import ChipRule

ABSENT = 0
"""Stands for the log-height of a chip that is absent. Present chips have at least two rows."""
QUOTIENT_CHUNKS = MAXIMUM_DEGREE - 1
QUOTIENT_WIDTH = QUOTIENT_CHUNKS * DEGREE
VERIFIER_TERM_LIMIT = 1 << 16
"""How many tuples the verifier itself adds at most."""


class Tree(IntEnum):
    """The Merkle trees of a proof, in the order in which they are committed."""

    PREPROCESSED = 0
    MAIN = 1
    LOOKUP = 2
    QUOTIENT = 3


@dataclass(frozen=True, slots=True)
class Table:
    """A chip that is present.

    Attributes
    ----------
    layout
        Its lookup columns.
    """

    air: Air
    layout: LookupLayout
    log_height: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return 1 << self.log_height

    def width(self, tree: Tree) -> int:
        """Return how many base-field columns the table has in a tree."""
        return {
            Tree.PREPROCESSED: self.air.preprocessed_width,
            Tree.MAIN: self.air.main_width,
            Tree.LOOKUP: self.layout.base_width,
            Tree.QUOTIENT: QUOTIENT_WIDTH,
        }[tree]

    def next_columns(self, tree: Tree) -> tuple[int, ...]:
        """Return which of these columns some constraint reads in the next row."""
        match tree:
            case Tree.PREPROCESSED:
                return self.air.next_preprocessed
            case Tree.MAIN:
                return self.air.next_main
            case Tree.LOOKUP:
                width = self.layout.base_width
                return tuple(range(max(0, width - DEGREE), width))
            case Tree.QUOTIENT:
                return ()


@dataclass(frozen=True, slots=True)
class Matrix:
    """A table's columns in one tree.

    Attributes
    ----------
    table
        Number of the table.
    log_height
        log2 of the table's rows; the committed matrix is its low-degree extension.
    """

    tree: Tree
    table: int
    width: int
    log_height: int
    next_columns: tuple[int, ...]


class Instance:
    """The tables of one proof.

    Parameters
    ----------
    log_heights
        log2 of the rows of each chip of the machine, `ABSENT` for those that are absent.

    Raises
    ------
    MalformedProof
        If the heights are not what key and parameters allow.
    """

    def __init__(self, key: VerifyingKey, log_heights: Sequence[int]) -> None:
        _check_heights(key, log_heights)
        self.key = key
        self.log_heights = tuple(log_heights)
        self.tables = tuple(
            Table(rule.air, lookup_layout(rule.air), log_height)
            for rule, log_height in zip(key.machine.chips, log_heights, strict=True)
            if log_height != ABSENT
        )
        _check_lookup_counts(self.tables)

    @cached_property
    def trees(self) -> tuple[Tree, ...]:
        """The trees that are not empty."""
        return tuple(tree for tree in Tree if self.matrices_of(tree))

    @cached_property
    def matrices(self) -> tuple[Matrix, ...]:
        """All matrices: by tree, and within a tree by table."""
        return tuple(
            Matrix(tree, number, table.width(tree), table.log_height, table.next_columns(tree))
            for tree in Tree
            for number, table in enumerate(self.tables)
            if table.width(tree)
        )

    def matrices_of(self, tree: Tree) -> tuple[Matrix, ...]:
        """Return the matrices of one tree, in commit order."""
        return tuple(matrix for matrix in self.matrices if matrix.tree is tree)

    def dimensions_of(self, tree: Tree) -> tuple[tuple[int, int], ...]:
        """Return (width, log2 of the height) of the tree's matrices as they are committed."""
        log_blowup = self.key.proof_parameters.log_blowup
        return tuple(
            (matrix.width, matrix.log_height + log_blowup) for matrix in self.matrices_of(tree)
        )

    @cached_property
    def lookup_tables(self) -> tuple[int, ...]:
        """Numbers of the tables that have interactions: each claims a sum."""
        return tuple(k for k, table in enumerate(self.tables) if table.layout.groups)

    @cached_property
    def log_sizes(self) -> tuple[int, ...]:
        """log2 of the sizes of the low-degree extensions, ascending, without repetition."""
        log_blowup = self.key.proof_parameters.log_blowup
        return tuple(sorted({table.log_height + log_blowup for table in self.tables}))


def _check_heights(key: VerifyingKey, log_heights: Sequence[int]) -> None:
    rules = key.machine.chips
    if len(log_heights) != len(rules):
        raise WrongLength("log heights", len(rules), len(log_heights))
    for rule, log_height in zip(rules, log_heights, strict=True):
        allowed = _allowed_log_heights(key, rule)
        is_absent = rule.is_optional and log_height == ABSENT
        if not is_absent and log_height not in allowed:
            raise OutOfRange(
                f"log2 of the rows of {rule.air.name}",
                f"{allowed.start}..{allowed.stop - 1}",
                log_height,
            )
    rows = {
        rule.air.name: 1 << log_height if log_height != ABSENT else 0
        for rule, log_height in zip(rules, log_heights, strict=True)
    }
    for limit in key.machine.row_limits:
        total = sum(rows[name] for name in limit.chips)
        if total > limit.rows:
            raise OutOfRange(f"rows of {sorted(limit.chips)}", f"0..{limit.rows}", total)


def _allowed_log_heights(key: VerifyingKey, rule: ChipRule) -> range:
    fixed = key.preprocessed_log_heights.get(rule.air.name)
    if fixed is not None:
        return range(fixed, fixed + 1)
    low, high = key.proof_parameters.min_log_height, key.proof_parameters.max_log_height
    if rule.max_log_height is not None:
        high = min(high, rule.max_log_height)
    return range(max(low, ABSENT + 1), high + 1)


def _check_lookup_counts(tables: Sequence[Table]) -> None:
    """With fewer than P interactions on a bus, no multiplicity can wrap around to zero."""
    counts: Counter[str] = Counter()
    for table in tables:
        for interaction in table.air.interactions:
            counts[interaction.bus.name] += table.height
    for name, count in counts.items():
        if count + VERIFIER_TERM_LIMIT >= P:
            raise OutOfRange(
                f"interactions on bus {name}", f"below {P - VERIFIER_TERM_LIMIT}", count
            )
