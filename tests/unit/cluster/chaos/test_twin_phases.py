"""Schedules of twins: drawn from a seed, and every honest validator is with one twin."""

from itertools import islice
from random import Random

import pytest

from cluster.chaos.twins import TwinPhase, draw_phases

HONEST = frozenset({0, 1, 2})


def phase(first: set[int], second: set[int], *, is_parted: bool = True) -> TwinPhase:
    return TwinPhase(frozenset(first), frozenset(second), is_parted)


def test_one_seed_gives_one_schedule() -> None:
    first, again, other = (
        list(islice(draw_phases(Random(seed), HONEST), 20)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_every_honest_validator_talks_to_exactly_one_twin() -> None:
    for drawn in islice(draw_phases(Random(3), HONEST), 200):
        assert drawn.first | drawn.second == HONEST
        assert not drawn.first & drawn.second


def test_all_ways_to_share_three_validators_out_are_drawn() -> None:
    drawn = {(one.first, one.is_parted) for one in islice(draw_phases(Random(4), HONEST), 500)}
    not_empty = {first for first, _ in drawn if first}
    assert len(not_empty) == 7
    assert {is_parted for _, is_parted in drawn} == {True, False}


@pytest.mark.parametrize(
    ("chosen", "count", "can_decide"),
    [
        (phase({0}, {1, 2}), 4, True),
        (phase({0, 1}, {2, 3}), 5, False),
        (phase({0}, {1, 2, 3}), 5, True),
        (phase({0, 1}, {2, 3}, is_parted=False), 5, True),
    ],
)
def test_a_phase_can_decide_where_one_group_and_its_twin_are_a_quorum(
    chosen: TwinPhase, count: int, can_decide: bool
) -> None:
    assert chosen.can_decide(count) is can_decide
