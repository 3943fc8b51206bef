"""A seeded network that delays, loses, repeats, reorders and partitions."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.simulation.scheduler import Scheduler

Packet = object
Receive = Callable[[int, Packet], None]
LatencyMs = Callable[[Random, int, int], float]


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the network is: chances per packet."""

    loss: float
    duplication: float


CALM = Weather(loss=0.0, duplication=0.0)


class Network:
    """Delivers packets between indexed receivers."""

    def __init__(self, scheduler: Scheduler, rng: Random, latency_ms: LatencyMs) -> None:
        self.weather = CALM
        self.latency_ms = latency_ms
        self.groups: tuple[int, ...] | None = None
        self.sent = 0
        self.dropped = 0
        self._scheduler = scheduler
        self._rng = rng
        self._receivers: dict[int, Receive] = {}

    def attach(self, index: int, receive: Receive) -> None:
        """Deliver packets for ``index`` to this callback."""
        self._receivers[index] = receive

    def send(self, sender: int, receiver: int, packet: Packet) -> None:
        """Send one packet; what happens to it is up to the weather and the partition."""
        self.sent += 1
        is_cut = self.groups is not None and self.groups[sender] != self.groups[receiver]
        if is_cut or self._rng.random() < self.weather.loss:
            self.dropped += 1
            return
        copies = 2 if self._rng.random() < self.weather.duplication else 1
        for _ in range(copies):
            delay_ms = self.latency_ms(self._rng, sender, receiver)
            self._scheduler.after(round(delay_ms * 1000), self._receivers[receiver], sender, packet)
