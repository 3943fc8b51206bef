"""The verifier derives all shapes from key and heights, and bounds these first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proving.air.chip import AirBuilder, ChipDefinition, compile_chip
from proving.errors import OutOfRange, WrongLength
from proving.field.koalabear import P
from proving.parameters import FAST
from proving.stark.instance import ABSENT, Instance, Tree
from proving.stark.keys import VerifyingKey
from proving.stark.machine import ChipRule, Machine, RowLimit
from proving.stark.transcript_order import begin
from tests.support.toy_machine import SQUARE, TESTING, TOY_MACHINE
from tests.support.toy_proofs import shared_key


def key_of(machine: Machine) -> VerifyingKey:
    key = shared_key().verifying_key
    return VerifyingKey(
        machine,
        TESTING,
        key.parameters,
        key.preprocessed_log_heights,
        key.preprocessed_root,
    )


def test_matrices_are_ordered_by_tree_and_then_by_table() -> None:
    instance = Instance(key_of(TOY_MACHINE), (4, 6, ABSENT, 3))
    assert [(matrix.tree, matrix.table, matrix.width) for matrix in instance.matrices] == [
        (Tree.PREPROCESSED, 1, 2),
        (Tree.MAIN, 0, 3),
        (Tree.MAIN, 1, 1),
        (Tree.MAIN, 2, 14),
        (Tree.LOOKUP, 0, 4),
        (Tree.LOOKUP, 1, 4),
        (Tree.QUOTIENT, 0, 8),
        (Tree.QUOTIENT, 1, 8),
        (Tree.QUOTIENT, 2, 8),
    ]
    assert instance.log_sizes == (4, 5, 7)
    assert instance.lookup_tables == (0, 1)


def test_only_what_some_constraint_reads_is_opened_at_the_next_row() -> None:
    instance = Instance(key_of(TOY_MACHINE), (4, 6, 5, 3))
    following = {(m.tree, m.table): m.next_columns for m in instance.matrices}
    assert following[Tree.MAIN, 0] == (0, 1)
    assert following[Tree.MAIN, 3] == (13,)
    assert following[Tree.LOOKUP, 2] == (8, 9, 10, 11)
    assert following[Tree.QUOTIENT, 0] == ()


@pytest.mark.parametrize("log_heights", [(), (4, 6, 5), (4, 6, 5, 3, 3)])
def test_there_is_one_height_for_each_chip(log_heights: tuple[int, ...]) -> None:
    with pytest.raises(WrongLength):
        Instance(key_of(TOY_MACHINE), log_heights)


def test_row_limits_hold_for_the_sum_of_several_chips() -> None:
    machine = replace(TOY_MACHINE, row_limits=(RowLimit(frozenset({"fibonacci", "user"}), 48),))
    Instance(key_of(machine), (4, 6, 5, 3))
    with pytest.raises(OutOfRange, match="rows of"):
        Instance(key_of(machine), (5, 6, 5, 3))


def test_as_many_interactions_as_could_wrap_around_are_refused() -> None:
    """Multiplicities that add up to a multiple of P would look like none."""

    def constrain(air: AirBuilder) -> None:
        for _ in range(600):
            air.receive(SQUARE, (1, 1))

    chip = compile_chip(ChipDefinition("greedy", {"a": 1}, constrain))
    machine = Machine("greedy", (ChipRule(chip),), lambda *_: [])
    key = VerifyingKey(machine, FAST, {}, {}, None)
    assert 600 << 21 < P < 600 << 22
    Instance(key, (21,))
    with pytest.raises(OutOfRange, match="interactions on bus square"):
        Instance(key, (22,))


@pytest.mark.parametrize("public_values", [(-1,), (1 << 32,), (1, 2, 3)])
def test_public_values_are_words_and_not_too_many(public_values: tuple[int, ...]) -> None:
    with pytest.raises(OutOfRange, match="public value"):
        begin(Instance(key_of(TOY_MACHINE), (4, 6, 5, 3)), public_values)


def test_public_values_within_bounds_are_taken() -> None:
    begin(Instance(key_of(TOY_MACHINE), (4, 6, 5, 3)), (0, (1 << 32) - 1))
