"""What the demo promises, and that each promise can fail."""

from typing import Any

import pytest

from cluster.demo.run import broken_invariants

GOOD: dict[str, Any] = {
    "roots_agree": True,
    "trophies_minted": 3,
    "round_cap": 3,
    "over_cap_rejected": 49,
    "sale_ok": True,
    "moves": 220,
    "loss_bound_wei_before": 10,
    "loss_bound_wei_after": 7,
    "batch_status": "posted, proof pending",
    "batches_posted": 1,
}
PROVEN: dict[str, Any] = GOOD | {
    "batch_status": "final",
    "batches_proven": 1,
    "withdrawal_ok": True,
    "zk_finalized_block": 31,
    "zk_proven_block": 31,
}


def test_figures_that_keep_every_promise_break_none():
    assert broken_invariants(GOOD) == []
    assert broken_invariants(PROVEN) == []


@pytest.mark.parametrize(
    ("figure", "value", "text"),
    [
        ("roots_agree", False, "roots and digests differ"),
        ("trophies_minted", 4, "more trophies than the round's cap"),
        ("over_cap_rejected", 0, "forged report"),
        ("sale_ok", False, "sale"),
        ("moves", 199, "too few moves"),
        ("loss_bound_wei_after", 11, "the loss exceeds the bound"),
        ("batches_posted", 0, "not posted"),
    ],
)
def test_each_broken_promise_is_named(figure, value, text):
    (failure,) = broken_invariants(GOOD | {figure: value})
    assert text in failure


@pytest.mark.parametrize(
    ("figure", "value", "text"),
    [
        ("batches_proven", 0, "not proven"),
        ("withdrawal_ok", False, "the withdrawal on L1 failed"),
        ("zk_finalized_block", 30, "the finalized tag"),
    ],
)
def test_each_broken_promise_of_a_proven_demo_is_named(figure, value, text):
    (failure,) = broken_invariants(PROVEN | {figure: value})
    assert text in failure


def test_all_broken_promises_are_named():
    bad = {
        "roots_agree": False,
        "trophies_minted": 53,
        "round_cap": 3,
        "over_cap_rejected": 0,
        "sale_ok": False,
        "moves": 0,
        "loss_bound_wei_before": 0,
        "loss_bound_wei_after": 1,
        "batch_status": "posted, proof pending",
        "batches_posted": 0,
    }
    assert len(broken_invariants(bad)) == 7
