"""One of four validators sends the others all that the network takes."""

from functools import partial
from statistics import median
from typing import Any, Final

from actors.transport.interface import Channel
from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.memory import MemoryWatch
from cluster.chaos.processes import run_inside
from cluster.chaos.scenario import Finding, Scenario
from cluster.chaos.traitors import Flooder, arrest, turn

TRAITOR: Final = 3
HONEST: Final = (0, 1, 2)
BLOCKS: Final = 24
MAX_MEDIAN_MS: Final = 500.0
"""Of finality while a flood lasts: Δ of the network, on a machine that the flooder shares."""


def flooder(arena: Arena) -> Finding:
    """Flood each channel, then all of them at once, and compare finality and memory with before."""
    memory = MemoryWatch(arena, HONEST)
    before_ms = _finality_ms(arena)
    arena.note(f"finality before: median {before_ms:.0f} ms")
    for channels in (*((channel,) for channel in Channel), tuple(Channel)):
        name = "all channels" if len(channels) > 1 else channels[0].name
        run_inside(arena.actor(TRAITOR, "validator"), _begin, Flooder(*channels))
        began = arena.fault(f"a flood on {name}")
        during_ms = _finality_ms(arena)
        sent = run_inside(arena.actor(TRAITOR, "validator"), _end)
        per_second = sum(sent.values()) / (arena.now() - began)
        grown = memory.require_bounded(f"a flood on {name}")
        arena.heal(
            f"{name}: {per_second:.0f} messages/s, finality {during_ms:.0f} ms, {grown:+.0f} MiB"
        )
        if during_ms > MAX_MEDIAN_MS:
            raise InvariantBroken(
                f"finality took {during_ms:.0f} ms in a flood on {name}, {before_ms:.0f} ms before"
            )
    began = arena.now()
    arena.wait_for_growth(BLOCKS, *HONEST)
    return Finding(recovery_seconds=arena.now() - began)


def _finality_ms(arena: Arena) -> float:
    """Median over the honest nodes' own proposals, while the ledger grows."""
    for node in HONEST:
        arena.ask(node, "validator", "clear_latencies")
    arena.wait_for_growth(BLOCKS, *HONEST)
    samples: list[float] = []
    for node in HONEST:
        found = arena.wait_until(
            partial(arena.ask, node, "validator", "latency_samples"), f"latencies of node {node}"
        )
        samples += found["final"]
    return median(samples)


def _begin(actor: Any, traitor: Flooder) -> None:
    turn(actor._node, traitor)
    traitor.begin()


def _end(actor: Any) -> dict[str, int]:
    return dict(arrest(actor._node).deeds)


SCENARIOS = (
    Scenario(
        "flooder",
        "a flood on any channel stops no block, and costs bounded memory",
        "one of four validators sends all that the network takes, on each channel and on all",
        flooder,
    ),
)
