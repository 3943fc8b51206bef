"""Everything that the simulated validators share."""

import hashlib
from collections import Counter
from collections.abc import Callable
from random import Random

from consensus import ConsensusState, Effect, Event, step
from ledger.types import Digest, View
from tests.simulation.checker import Checker
from tests.simulation.keys import KeyedHashValidators
from tests.simulation.network import LatencyMs, Network
from tests.simulation.scheduler import Scheduler

Step = Callable[[ConsensusState, Event, int], tuple[ConsensusState, list[Effect]]]


class World:
    """Clock, network, keys, checker and trace of one run.

    Parameters
    ----------
    seed
        The one source of randomness.
    step_function
        The protocol under test; a test may hand in a mutant.
    origin
        View and payload that the epoch starts from; of the genesis by default.
    last_from_view
        From which view on honest leaders propose the last payload of the epoch, if it ends.
    """

    def __init__(
        self,
        seed: int,
        validators: KeyedHashValidators,
        byzantine: frozenset[int],
        latency_ms: LatencyMs,
        delta_ms: int,
        build_ms: tuple[float, float] = (0.0, 0.0),
        step_function: Step = step,
        is_durable: bool = True,
        is_encoded: bool = False,
        origin: tuple[View, Digest] | None = None,
        last_from_view: View | None = None,
    ) -> None:
        self.rng = Random(seed)
        self.validators = validators
        self.byzantine = byzantine
        self.delta_ms = delta_ms
        self.build_ms = build_ms
        self.step_function = step_function
        self.is_durable = is_durable
        self.is_encoded = is_encoded
        self.scheduler = Scheduler()
        self.network = Network(self.scheduler, self.rng, latency_ms)
        self.origin_view, self.origin_payload = origin or (View(0), validators.digest)
        self.last_from_view = last_from_view
        self.checker = Checker(validators, byzantine, self.origin_payload)
        self.faults: Counter[str] = Counter()
        self.events = 0
        self._trace = hashlib.blake2b(digest_size=16)

    @property
    def count(self) -> int:
        """Number of validators."""
        return self.validators.count

    def others(self, index: int) -> list[int]:
        """All validators but one."""
        return [other for other in range(self.count) if other != index]

    def record(self, node: int, what: str, detail: object) -> None:
        """Add to the trace that the same seed has to give again."""
        self._trace.update(f"{self.scheduler.now_us} {node} {what} {detail}\n".encode())

    @property
    def trace_digest(self) -> str:
        """Digest of all that happened so far."""
        return self._trace.hexdigest()
