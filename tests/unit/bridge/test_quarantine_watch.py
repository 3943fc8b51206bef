"""What a node remembers of the fast chain, and the one vote that follows."""

from dataclasses import replace

import pytest
from bridge_world import FAST, GENESIS, LedgerWorld, checkpoint_of, index, root

from bridge.attestations import Divergence
from bridge.triggers import DEFAULT_LIMITS, QuarantineReason, Refusals, TriggerLimits
from bridge.watch import QuarantineWatch
from ledger.types import BlockNumber

LIMITS = TriggerLimits(reports_over_cap=3, pressure_window_blocks=10, blocks_without_checkpoint=100)


@pytest.fixture
def ledger() -> LedgerWorld:
    world = LedgerWorld()
    for _ in range(5):
        world.push(FAST)
    world.push(FAST, checkpoints=(world.certified(FAST, 4),))
    return world


@pytest.fixture
def watch(ledger: LedgerWorld) -> QuarantineWatch:
    return QuarantineWatch(ledger.state, LIMITS, max_faulty=1)


def split(ledger: LedgerWorld, number: int = 5) -> Divergence:
    values = [
        replace(checkpoint_of(ledger.state, FAST, number), state_root=root(f"{side}"))
        for side in range(2)
    ]
    groups = ((values[0], (index(0), index(1))), (values[1], (index(2), index(3))))
    return Divergence(GENESIS.chain(FAST).chain_id, BlockNumber(number), groups, None)


def restart(ledger: LedgerWorld, watch: QuarantineWatch) -> None:
    certified = ledger.state.fast.certified
    sequence = ledger.state.quarantine.sequence
    ledger.quarantine(sequence)
    watch.settle(ledger.state)
    ledger.resume(certified.number, certified.state_root, sequence)
    watch.settle(ledger.state)


def test_a_calm_chain_moves_nobody(watch: QuarantineWatch) -> None:
    watch.executed_zk(BlockNumber(1), Refusals())
    watch.executed_fast(BlockNumber(5))
    assert watch.take_vote() is None


def test_a_split_moves_the_vote_once(ledger: LedgerWorld, watch: QuarantineWatch) -> None:
    watch.diverged(split(ledger))
    assert watch.take_vote() is QuarantineReason.DIVERGENCE
    watch.diverged(split(ledger))
    assert watch.take_vote() is None


def test_a_split_over_a_void_execution_is_no_news(
    ledger: LedgerWorld, watch: QuarantineWatch
) -> None:
    old = split(ledger)
    restart(ledger, watch)
    watch.diverged(old)
    assert watch.take_vote() is None


def test_reports_past_a_cap_add_up_within_the_window_and_no_block_counts_twice(
    watch: QuarantineWatch,
) -> None:
    for _ in range(5):
        watch.executed_zk(BlockNumber(1), Refusals(over_cap=1))
    watch.executed_zk(BlockNumber(2), Refusals(over_cap=1))
    assert watch.take_vote() is None
    watch.executed_zk(BlockNumber(10), Refusals(over_cap=1))
    assert watch.take_vote() is QuarantineReason.CAP_PRESSURE


def test_reports_past_a_cap_that_lie_long_back_are_forgotten(watch: QuarantineWatch) -> None:
    for number in range(1, 100, 5):
        watch.executed_zk(BlockNumber(number), Refusals(over_cap=1))
        assert watch.take_vote() is None
    assert watch.refusals_total == Refusals(over_cap=20)


def test_a_resume_begins_anew(ledger: LedgerWorld, watch: QuarantineWatch) -> None:
    watch.executed_zk(BlockNumber(1), Refusals(over_cap=3))
    assert watch.take_vote() is QuarantineReason.CAP_PRESSURE
    restart(ledger, watch)
    assert watch.take_vote() is None
    watch.replay_is_wrong()
    assert watch.take_vote() is QuarantineReason.WRONG_REPLAY


def test_a_chain_that_is_not_certified_moves_the_vote(
    ledger: LedgerWorld, watch: QuarantineWatch
) -> None:
    head = ledger.state.fast.number
    watch.executed_fast(BlockNumber(head + LIMITS.blocks_without_checkpoint - 1))
    assert watch.take_vote() is None
    watch.executed_fast(BlockNumber(head + LIMITS.blocks_without_checkpoint))
    assert watch.take_vote() is QuarantineReason.STALLED_CHECKPOINT


def test_a_replay_that_runs_ahead_of_its_checkpoints_is_not_stalled(
    ledger: LedgerWorld, watch: QuarantineWatch
) -> None:
    """A quarantine lasts longer than the limit, and its blocks are executed in a moment."""
    certified = ledger.state.fast.certified
    ledger.quarantine()
    watch.settle(ledger.state)
    for _ in range(2 * LIMITS.blocks_without_checkpoint):
        ledger.push(FAST)
    ledger.resume(certified.number, certified.state_root)
    watch.settle(ledger.state)
    head = ledger.state.fast.number
    watch.executed_fast(BlockNumber(head))
    assert watch.take_vote() is None
    assert watch.blocks_without_checkpoint == 0
    watch.executed_fast(BlockNumber(head + LIMITS.blocks_without_checkpoint))
    assert watch.take_vote() is QuarantineReason.STALLED_CHECKPOINT


def test_a_node_that_starts_behind_and_catches_up_does_not_take_that_for_a_stall(
    ledger: LedgerWorld,
) -> None:
    for _ in range(2 * LIMITS.blocks_without_checkpoint):
        ledger.push(FAST)
    watch = QuarantineWatch(ledger.state, LIMITS, max_faulty=1)
    watch.executed_fast(BlockNumber(ledger.state.fast.number))
    assert watch.take_vote() is None


def test_a_node_whose_operator_switched_the_triggers_off_counts_and_does_not_vote(
    ledger: LedgerWorld,
) -> None:
    watch = QuarantineWatch(ledger.state, None, max_faulty=1)
    watch.diverged(split(ledger))
    watch.executed_zk(BlockNumber(1), Refusals(100, 100))
    assert watch.take_vote() is None
    assert watch.divergence_count == 1
    assert watch.refusals_total == Refusals(100, 100)


def test_one_report_past_a_cap_is_no_reason_by_default(ledger: LedgerWorld) -> None:
    watch = QuarantineWatch(ledger.state, DEFAULT_LIMITS, max_faulty=1)
    watch.executed_zk(BlockNumber(1), Refusals(over_cap=1))
    assert watch.take_vote() is None
