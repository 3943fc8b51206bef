"""Clocks that jump, and processes for which time stands still."""

import time
from typing import Any, Final

from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.processes import frozen, run_inside
from cluster.chaos.scenario import Finding, Scenario

VICTIM: Final = 1
FORWARD_SECONDS: Final = 3_600
BACKWARD_SECONDS: Final = 600
BLOCKS: Final = 12
PAUSED_BLOCKS: Final = 25
NANOSECONDS: Final = 1_000_000_000

_true_time_ns = time.time_ns


def clock_step(arena: Arena) -> Finding:
    """Move a validator's time of day an hour ahead, then ten minutes back, then right again."""
    for step_seconds in (FORWARD_SECONDS, -BACKWARD_SECONDS):
        run_inside(arena.actor(VICTIM, "validator"), step_clock, step_seconds)
        arena.fault(f"node {VICTIM}'s clock steps to {step_seconds:+} s")
        arena.wait_for_growth(BLOCKS)
        _require_true_time(arena)
    head = arena.head()
    run_inside(arena.actor(VICTIM, "validator"), step_clock, 0)
    began = arena.heal(f"node {VICTIM}'s clock is right")
    voted = arena.wait_until_voting([VICTIM], above=head)
    return Finding(recovery_seconds=voted - began)


def _require_true_time(arena: Arena) -> None:
    """The newest block's time may be ahead of ours by the drift that the genesis allows."""
    head = arena.head()
    block = arena.wait_until(
        lambda: arena.ask(0, "validator", "ledger_block", head), f"block {head} at node 0"
    )
    ahead_ms = int(block["header"]["timestamp_ms"]) - _true_time_ns() // 1_000_000
    allowed_ms = arena.session.network.genesis.timing.max_drift_ms
    if ahead_ms > allowed_ms:
        raise InvariantBroken(f"block {head} is {ahead_ms} ms ahead, allowed are {allowed_ms} ms")


def pause(arena: Arena) -> Finding:
    """Stop a validator in the middle of whatever it does, and let it go on."""
    with frozen(arena.process(VICTIM, "validator")):
        arena.fault(f"node {VICTIM}'s validator stands still")
        others = [node for node in range(arena.count) if node != VICTIM]
        arena.wait_for_growth(PAUSED_BLOCKS, *others)
        head = arena.head(*others)
    began = arena.heal(f"node {VICTIM}'s validator goes on")
    voted = arena.wait_until_voting([VICTIM], above=head)
    return Finding(recovery_seconds=voted - began)


def step_clock(_actor: Any, offset_seconds: int) -> None:
    """Change the time of day of the process in which this runs."""
    offset_ns = offset_seconds * NANOSECONDS
    time.time_ns = lambda: _true_time_ns() + offset_ns


SCENARIOS = (
    Scenario(
        "clock-step",
        "a wrong clock at one node stops nobody and gets no false time onto the ledger",
        "the clock of one validator steps an hour ahead, then ten minutes back",
        clock_step,
    ),
    Scenario(
        "paused-validator",
        "a validator that was stopped for a while believes no old timer and votes again",
        "one validator's process is stopped, and goes on after 25 blocks",
        pause,
    ),
)
