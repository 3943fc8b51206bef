"""A node is taken down only if the ledger bears it."""

from typing import Any

import pytest

from cluster.errors import RestartRefused
from cluster.restart.presence import absent_validators, require_spare


def status(*connected: int, from_view: int | None = 0, view: int = 9) -> dict[str, Any]:
    peers = {str(peer): {"state": "connected"} for peer in connected}
    away = {str(peer): {"state": "waiting"} for peer in range(7) if peer not in connected}
    return {"peers": away | peers, "voting": {"from_view": from_view}, "view": view}


def test_of_four_that_all_take_part_one_may_go():
    absent = absent_validators({index: status() for index in range(4)}, 4)
    assert absent == frozenset()
    require_spare(2, absent, 4)


def test_while_one_of_four_is_away_no_other_goes():
    absent = absent_validators({0: status(), 1: status(), 2: None, 3: status()}, 4)
    assert absent == {2}
    with pytest.raises(RestartRefused, match="validator 2 is away already"):
        require_spare(0, absent, 4)


def test_the_one_that_is_away_may_be_restarted_itself():
    require_spare(2, frozenset({2}), 4)


def test_of_seven_two_may_be_away():
    require_spare(0, frozenset({5}), 7)
    with pytest.raises(RestartRefused):
        require_spare(0, frozenset({5, 6}), 7)


def test_of_three_none_may_go():
    with pytest.raises(RestartRefused, match="absence of 0"):
        require_spare(0, frozenset(), 3)


@pytest.mark.parametrize(("from_view", "is_absent"), [(None, True), (10, True), (9, False)])
def test_a_node_that_may_not_vote_yet_does_not_take_part(from_view, is_absent):
    statuses = {0: status(), 1: status(), 2: status(), 3: status(from_view=from_view, view=9)}
    assert (3 in absent_validators(statuses, 4)) is is_absent


def test_an_operator_of_one_node_sees_the_others_by_its_connections():
    assert absent_validators({0: status(1, 2, 3)}, 4) == frozenset()
    absent = absent_validators({0: status(1, 3)}, 4)
    assert absent == {2}
    with pytest.raises(RestartRefused):
        require_spare(0, absent, 4)
