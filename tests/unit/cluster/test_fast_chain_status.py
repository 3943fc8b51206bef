"""Whoever asks for the status learns that the fast chain is in doubt, and nothing else."""

from typing import Any

import pytest

from cluster.fast_chain_status import fast_chain_lines


def status(
    height: int = 9, *, reason: str = "", votes: tuple[int, ...] = (), halvings: int = 0
) -> dict[str, Any]:
    return {
        "final_height": height,
        "quarantine": {"is_active": bool(reason), "reason": reason, "votes": list(votes)},
        "caps": {
            "halvings": halvings,
            "divided_by": 2**halvings,
            "clean_from": 70,
            "clean_blocks_to_relax": 4096,
        },
    }


@pytest.mark.parametrize("statuses", [[], [{"validator": 1, "error": "away"}], [status()]])
def test_a_calm_chain_is_not_spoken_of(statuses: list[dict[str, Any]]) -> None:
    assert fast_chain_lines(statuses) == []


def test_a_quarantine_is_told_with_its_reason_and_the_way_out() -> None:
    quarantine, caps = fast_chain_lines(
        [status(reason="cap pressure", votes=(0, 1, 2), halvings=2)]
    )
    assert "cap pressure" in quarantine
    assert "braid resume" in quarantine
    assert "divided by 4" in caps


def test_votes_are_told_before_there_are_enough() -> None:
    assert fast_chain_lines([status(votes=(0, 3))]) == [
        "validators that vote to quarantine the fast chain: 0, 3"
    ]


def test_tight_caps_are_told_until_they_are_relaxed() -> None:
    (line,) = fast_chain_lines([status(halvings=1)])
    assert "divided by 2" in line
    assert "4096 certified fast blocks after block 70" in line


def test_the_node_that_is_furthest_is_believed() -> None:
    away = {"validator": 1, "error": "away"}
    assert fast_chain_lines([status(9, reason="cap pressure"), away, status(12)]) == []
