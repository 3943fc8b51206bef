"""A node is taken down only if the ledger bears it."""

from typing import Any

import pytest

from cluster.errors import RestartRefused
from cluster.restart.presence import absent_validators, require_spare


def status(
    validator: int | None,
    *connected: int,
    of: int = 4,
    from_view: int | None = 0,
    view: int = 9,
) -> dict[str, Any]:
    peers = {
        str(peer): {"state": "connected" if peer in connected else "waiting"}
        for peer in range(of)
        if peer != validator
    }
    return {
        "validator": validator,
        "validators": of,
        "peers": peers,
        "voting": {"from_view": from_view},
        "view": view,
    }


def test_of_four_that_all_take_part_one_may_go():
    statuses = [status(number) for number in range(4)]
    assert absent_validators(statuses) == frozenset()
    require_spare(2, 2, statuses)


def test_while_one_of_four_is_away_no_other_goes():
    statuses = [status(number) for number in (0, 1, 3)]
    assert absent_validators(statuses) == {2}
    with pytest.raises(RestartRefused, match="validator 2 is away already"):
        require_spare(0, 0, statuses)


def test_the_one_that_is_away_may_be_started_again():
    require_spare(2, None, [status(number) for number in (0, 1, 3)])


def test_but_not_if_another_one_is_away_too():
    with pytest.raises(RestartRefused, match="validator 2, 3 is away"):
        require_spare(2, None, [status(number) for number in (0, 1)])


def test_of_seven_two_may_be_away():
    here = [status(number, of=7) for number in range(7)]
    require_spare(0, 0, here[:6])
    with pytest.raises(RestartRefused):
        require_spare(0, 0, here[:5])


def test_of_three_none_may_go():
    with pytest.raises(RestartRefused, match="absence of 0"):
        require_spare(0, 0, [status(number, of=3) for number in range(3)])


@pytest.mark.parametrize(("from_view", "is_absent"), [(None, True), (10, True), (9, False)])
def test_a_node_that_may_not_vote_yet_does_not_take_part(from_view, is_absent):
    others = [status(number, 3) for number in range(3)]
    absent = absent_validators([*others, status(3, from_view=from_view, view=9)])
    assert (3 in absent) is is_absent


def test_an_operator_of_one_node_sees_the_others_by_its_connections():
    assert absent_validators([status(0, 1, 2, 3)]) == frozenset()
    alone = [status(0, 1, 3)]
    assert absent_validators(alone) == {2}
    with pytest.raises(RestartRefused):
        require_spare(0, 0, alone)


def test_a_node_that_is_no_validator_may_always_go():
    statuses = [*(status(number) for number in range(3)), status(None, 0, 1, 2)]
    require_spare(4, None, statuses)


def test_where_no_node_answers_only_force_helps():
    with pytest.raises(RestartRefused, match="no node answers"):
        require_spare(0, None, [])
