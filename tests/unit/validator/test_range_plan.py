"""Which peer is asked for which heights: nothing twice, nothing beyond the window."""

from block_world import empty_tree, grow

from actors.messages import MAX_REQUESTED_BLOCKS, HistoryWindow
from actors.validator.range_plan import (
    MAX_ASKED_PER_PEER,
    MAX_LATE_PER_PEER,
    WINDOW_BLOCKS,
    HeightRange,
    ProvenRange,
    RangePlan,
)
from ledger.types import Height, ValidatorIndex, View
from ledger.votes import Finalization, Proposal

PEERS = [ValidatorIndex(peer) for peer in range(3)]
ALL = {peer: HistoryWindow(Height(1), Height(10**6)) for peer in PEERS}
CERTIFICATE = Finalization(Proposal(0, View(1), View(0), bytes(32)), b"\x07", ())  # type: ignore[arg-type]


def ask(
    plan: RangePlan,
    next_height: int,
    windows: dict[ValidatorIndex, HistoryWindow],
    deadline: float = 9.0,
) -> list[tuple[ValidatorIndex, HeightRange]]:
    """Ask as often as the plan lets us."""
    sent = []
    while (found := plan.next_request(Height(next_height), windows)) is not None:
        plan.asked(*found, deadline)
        sent.append(found)
    return sent


def proven(first: int, last: int, peer: int = 0) -> ProvenRange:
    tree = empty_tree()
    block = grow(tree, tree.root, 1)
    blocks = [block]
    for view in range(2, last + 1):
        blocks.append(grow(tree, blocks[-1].digest, view))
    sealed = tuple(block.sealed for block in blocks[first - 1 :])
    return ProvenRange(ValidatorIndex(peer), sealed, CERTIFICATE)


def test_ranges_are_spread_over_the_peers_and_none_is_asked_for_twice() -> None:
    sent = ask(RangePlan(PEERS), 1, ALL)
    assert len(sent) == MAX_ASKED_PER_PEER * len(PEERS)
    assert [wanted.first for _, wanted in sent] == [
        1 + step * MAX_REQUESTED_BLOCKS for step in range(len(sent))
    ]
    assert {peer for peer, _ in sent} == set(PEERS)


def test_nothing_is_asked_for_beyond_the_window() -> None:
    many = [ValidatorIndex(peer) for peer in range(100)]
    plan = RangePlan(many)
    sent = ask(plan, 1, dict.fromkeys(many, ALL[PEERS[0]]))
    assert sent[-1][1].last == WINDOW_BLOCKS
    assert plan.asked_count * MAX_REQUESTED_BLOCKS == WINDOW_BLOCKS


def test_a_peer_is_asked_only_for_what_it_says_it_has() -> None:
    windows = {PEERS[0]: HistoryWindow(Height(5), Height(20)), PEERS[1]: ALL[PEERS[1]]}
    sent = ask(RangePlan(PEERS), 1, windows)
    assert all(peer == PEERS[1] for peer, wanted in sent if wanted.first < 5)
    only_old = {PEERS[0]: HistoryWindow(Height(1), Height(9))}
    assert ask(RangePlan(PEERS), 10, only_old) == []
    assert ask(RangePlan(PEERS), 8, only_old) == [(PEERS[0], HeightRange(Height(8), Height(9)))]


def test_an_overdue_range_is_asked_of_another_peer_and_its_late_answer_is_still_taken() -> None:
    plan = RangePlan(PEERS)
    ask(plan, 1, {PEERS[0]: ALL[PEERS[0]]})
    assert plan.expire(8.9) == []
    overdue = plan.expire(9.0)
    assert [peer for peer, _ in overdue] == [PEERS[0]] * MAX_ASKED_PER_PEER
    again = ask(plan, 1, {PEERS[1]: ALL[PEERS[1]]})
    assert again[0] == (PEERS[1], overdue[0][1])
    assert plan.answered(PEERS[0], Height(1)) == overdue[0][1]
    assert plan.answered(PEERS[0], Height(1)) is None


def test_what_a_peer_is_late_for_is_bounded() -> None:
    plan = RangePlan(PEERS)
    for step in range(100):
        plan.asked(PEERS[0], HeightRange(Height(step + 1), Height(step + 1)), 0.0)
        plan.expire(1.0)
    late = [step for step in range(100) if plan.answered(PEERS[0], Height(step + 1))]
    assert len(late) == MAX_LATE_PER_PEER


def test_answers_wait_for_what_is_before_them() -> None:
    plan = RangePlan(PEERS)
    plan.keep(proven(3, 4))
    assert plan.take(Height(1)) is None
    plan.keep(proven(1, 2))
    taken = plan.take(Height(1))
    assert taken is not None
    assert (taken.first, taken.last) == (1, 2)
    taken = plan.take(Height(3))
    assert taken is not None
    assert plan.ready_count == 0


def test_what_has_come_is_not_asked_for_and_what_an_answer_leaves_out_is() -> None:
    plan = RangePlan(PEERS)
    plan.keep(proven(1, 3))
    (_, wanted), *_ = ask(plan, 1, ALL)
    assert wanted == HeightRange(Height(4), Height(3 + MAX_REQUESTED_BLOCKS))


def test_an_answer_that_the_ledger_has_passed_is_forgotten() -> None:
    plan = RangePlan(PEERS)
    plan.keep(proven(1, 3))
    assert plan.take(Height(4)) is None
    assert plan.ready_count == 0


def test_an_answer_that_the_ledger_has_partly_passed_is_taken() -> None:
    plan = RangePlan(PEERS)
    plan.keep(proven(1, 3))
    taken = plan.take(Height(3))
    assert taken is not None
    assert taken.last == 3
