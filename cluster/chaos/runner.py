"""Runs a scenario on a network of its own, and judges it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import Final

import httpx
import psutil
from ray.exceptions import RayError

from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken, NotPossibleHere
from cluster.chaos.invariants import check_common
from cluster.chaos.links import Links
from cluster.chaos.processes import is_gone
from cluster.chaos.scenario import Finding, Outcome, Scenario, Setup
from cluster.chaos.timeline import MarkKind, Timeline
from cluster.chaos.traffic import Traffic
from cluster.chaos.watching import Watcher
from cluster.errors import ClusterError
from cluster.l1_choice import temporary_l1
from cluster.network import Network
from cluster.ray_instance import processes_of
from cluster.run_record import load_run
from cluster.session import Session, temporary_network

ORPHAN_SECONDS: Final = 15.0
Progress = Callable[[str], None]


def run_scenario(scenario: Scenario, seed: int | None, progress: Progress) -> Outcome:
    """Run one scenario from an empty disk to the end of its last process."""
    chosen = scenario.seed if seed is None else seed
    timeline = Timeline()
    finding = Finding()
    held: bool | None = True
    reason: str | None = None
    try:
        with _network(scenario, chosen, progress) as (session, links):
            timeline = Timeline()
            arena = Arena(session, scenario.setup, Random(chosen), timeline, links)
            with contextlib.closing(arena):
                finding = _run(scenario, arena, progress)
    except NotPossibleHere as error:
        held, reason = None, str(error)
    except (ClusterError, RayError, ConnectionError, httpx.HTTPError) as error:
        held, reason = False, f"{type(error).__name__}: {error}"
    return Outcome(
        name=scenario.name,
        invariant=scenario.invariant,
        held=held,
        faults_injected=timeline.count(MarkKind.FAULT),
        loss_wei=finding.loss_wei,
        bound_wei=_bound_wei(finding, timeline),
        nfts_lost_to_cap=finding.nfts_lost_to_cap,
        recovery_seconds=finding.recovery_seconds,
        seed=chosen,
        timeline=timeline,
        seconds=timeline.now(),
        reason=reason,
    )


def _run(scenario: Scenario, arena: Arena, progress: Progress) -> Finding:
    progress("waiting for agreement")
    arena.wait_for_growth(3)
    watcher = Watcher(arena)
    traffic = Traffic(arena.session)
    watcher.start()
    try:
        if scenario.setup.has_traffic:
            traffic.start()
            arena.wait_until(lambda: len(traffic.accepted) > 0, "the first transfer")
        progress(scenario.description)
        finding = scenario.run(arena)
        bound_wei = _bound_wei(finding, arena.timeline)
        if finding.loss_wei > bound_wei:
            raise InvariantBroken(
                f"the loss of {finding.loss_wei} wei exceeds the bound of {bound_wei} wei"
            )
        traffic.stop()
        progress("checking that nothing is lost and all nodes agree")
        # What the watcher has seen by now is a promise; what comes later, agreement covers.
        check_common(arena, dict(watcher.told))
        if watcher.contradictions:
            raise InvariantBroken(watcher.contradictions[0])
    finally:
        traffic.stop()
        watcher.stop()
    return finding


def _bound_wei(finding: Finding, timeline: Timeline) -> int:
    return timeline.bound_before_faults() if finding.bound_wei is None else finding.bound_wei


@contextlib.contextmanager
def _network(
    scenario: Scenario, seed: int, progress: Progress
) -> Iterator[tuple[Session, Links | None]]:
    """A network as the scenario wants it; afterwards nothing of it may be left running."""
    setup = scenario.setup
    links = Links(seed) if setup.has_links else None
    family: set[psutil.Process] = set()
    try:
        with temporary_network(
            setup.validators,
            progress,
            l1=temporary_l1(0) if setup.has_l1 else None,
            choose=setup.choose,
            prepare=partial(_prepare, setup, links),
        ) as session:
            try:
                yield session, links
            finally:
                family = processes_of(load_run(session.network).temporary_directory)
    finally:
        if links is not None:
            links.close()
    _require_gone(family)


def _prepare(setup: Setup, links: Links | None, network: Network) -> Network:
    nodes = tuple(
        replace(
            node,
            snapshot_spacing_blocks=setup.snapshot_spacing_blocks,
            snapshot_threshold_blocks=setup.snapshot_threshold_blocks,
        )
        for node in network.nodes
    )
    network = replace(network, nodes=nodes)
    return network if links is None else links.through(network)


def _require_gone(processes: set[psutil.Process]) -> None:
    deadline = time.monotonic() + ORPHAN_SECONDS
    while left := [process for process in processes if not is_gone(process)]:
        if time.monotonic() > deadline:
            names = ", ".join(f"{process.pid}" for process in left)
            raise InvariantBroken(f"processes are left behind: {names}")
        psutil.wait_procs(left, timeout=0.2)
