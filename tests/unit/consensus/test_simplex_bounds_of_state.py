"""Rule 13: what a peer can make a validator remember is bounded."""

from consensus import CertificateRequest
from ledger.types import Epoch, View
from tests.simulation.bench import Bench


def test_vote_at_the_horizon_is_held(bench: Bench) -> None:
    horizon = 1 + bench.config.view_horizon
    bench.hear(2, bench.nullify(2, horizon))
    assert 2 in bench.state.views[View(horizon)].nullifies.votes


def test_vote_beyond_the_horizon_is_dropped(bench: Bench) -> None:
    beyond = 2 + bench.config.view_horizon
    assert bench.hear(2, bench.nullify(2, beyond)) == []
    assert View(beyond) not in bench.state.views


def test_vote_in_view_0_is_dropped(bench: Bench) -> None:
    bench.hear(2, bench.nullify(2, 0))
    assert View(0) not in bench.state.views


def test_certificate_beyond_the_horizon_is_taken(bench: Bench) -> None:
    bench.hear(2, bench.nullification(1000))
    assert bench.state.view == 1001


def test_views_far_below_the_floor_are_forgotten(bench: Bench) -> None:
    for view in range(1, 40):
        bench.hear(1, bench.notarization(bench.proposal(view)))
    bench.hear(1, bench.finalization(bench.proposal(39)))
    assert min(bench.state.views) == 39 - bench.config.retained_views
    assert bench.state.uncertified == set()


def test_vote_far_below_the_floor_is_dropped(bench: Bench) -> None:
    bench.hear(1, bench.finalization(bench.proposal(39)))
    bench.hear(2, bench.nullify(2, 38 - bench.config.retained_views))
    assert View(38 - bench.config.retained_views) not in bench.state.views


def test_flooder_fills_a_bounded_window(bench: Bench) -> None:
    for view in range(1, 500):
        for salt in ("a", "b", "c"):
            bench.hear(2, bench.notarize(2, bench.proposal(view, salt=salt)))
            bench.hear(2, bench.finalize(2, bench.proposal(view, salt=salt)))
        bench.hear(2, bench.nullify(2, view))
    assert len(bench.state.views) == 1 + bench.config.view_horizon
    held = [
        len(tally.votes)
        for state in bench.state.views.values()
        for tally in (state.notarizes, state.nullifies, state.finalizes)
    ]
    assert max(held) <= 2


def test_flood_of_requests_gets_one_answer(bench: Bench) -> None:
    bench.hear(1, bench.nullification(1))
    request = CertificateRequest(Epoch(0), View(0), (View(1),) * 32)
    answers = [bench.hear(2, request) for _ in range(100)]
    assert sum(len(effects) for effects in answers) == 1
