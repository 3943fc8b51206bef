"""Many schedules in a row, added up."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Final

from consensus import ConsensusError
from tests.simulation.checker import InvariantBroken
from tests.simulation.schedule import draw_schedule
from tests.simulation.simulate import Outcome, Simulation

SCHEDULES: Final = "schedules"
FINALIZED: Final = "payloads finalized"
"""Names under which tests tell how much they have simulated."""


@dataclass(slots=True)
class Campaign:
    """Totals over all runs so far; ``failures`` maps a seed to what it broke.

    The same seeds give the same ``trace_digest``, on every machine.
    """

    schedules: Counter[int] = field(default_factory=Counter)
    views: int = 0
    finalized: int = 0
    events: int = 0
    messages: int = 0
    evidence: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    worst_recovery_ms: int = 0
    worst_recovery_seed: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    trace_digest: str = ""

    def add(self, outcome: Outcome) -> None:
        """Count one run that kept all promises."""
        self.schedules[outcome.count] += 1
        self.views += outcome.views
        self.finalized += outcome.height
        self.events += outcome.events
        self.messages += outcome.sent
        self.evidence += outcome.evidence
        traces = (self.trace_digest + outcome.trace_digest).encode()
        self.trace_digest = hashlib.sha256(traces).hexdigest()
        self.faults.update(outcome.faults)
        if outcome.recovery_ms > self.worst_recovery_ms:
            self.worst_recovery_ms = outcome.recovery_ms
            self.worst_recovery_seed = outcome.seed


def run_campaign(
    seeds: Iterable[int],
    progress: Callable[[Campaign], None] = lambda campaign: None,
) -> Campaign:
    """Run the schedule of each seed; a failure is kept, and the next seed runs."""
    campaign = Campaign()
    started, cpu_started = perf_counter(), process_time()
    for seed in seeds:
        try:
            campaign.add(Simulation(draw_schedule(seed)).run())
        except (InvariantBroken, ConsensusError) as error:
            campaign.failures[seed] = f"{type(error).__name__}: {error}"
        campaign.seconds = perf_counter() - started
        campaign.cpu_seconds = process_time() - cpu_started
        progress(campaign)
    return campaign
