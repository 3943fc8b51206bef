"""Validators on real libp2p, one of which is there twice."""

from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from libp2p_network import HOST, Libp2pNetwork, listening_ports

from actors.transport.config import TransportTiming
from cluster.chaos.links import Links
from cluster.chaos.twins import TwinPhase, Twins, draw_phases
from ledger.types import View

PHASES = 6
VIEWS_PER_PHASE = 8
BRISK = TransportTiming(
    heartbeat_seconds=0.2,
    dead_peer_seconds=1.0,
    handshake_timeout_seconds=1.0,
    reconnect_minimum_seconds=0.02,
    reconnect_maximum_seconds=0.1,
)


class TwinNetwork(Libp2pNetwork):
    """The last validator is nodes ``count - 1`` and ``count``, behind links that are re-aimed."""

    def __init__(self, directory: Path, validators: int, seed: int, **options: Any) -> None:
        super().__init__(directory, validators, **options)
        self.ports = listening_ports(validators + 1)
        self.transport_timing = BRISK
        self.culprit = validators - 1
        self.second = validators
        self.honest = tuple(range(validators - 1))
        self.random = Random(seed)
        self.links = Links(seed)
        self._ways = {
            (dialer, listener): self.links.add((dialer, listener), HOST, self.ports[listener])
            for dialer in range(validators)
            for listener in range(validators)
            if dialer != listener
        }
        self.twins = Twins(
            self.links,
            self.culprit,
            self.second,
            ((HOST, self.ports[self.culprit]), (HOST, self.ports[self.second])),
            {index: (HOST, self.ports[index]) for index in self.honest},
        )

    def identity_of(self, index: int) -> int:
        return self.culprit if index == self.second else index

    def port_of(self, dialer: int, listener: int) -> int:
        if dialer == self.second:
            return self.twins.ports.get(listener, 0)
        return self._ways.get((dialer, listener), 0)

    async def run_schedule(self) -> list[TwinPhase]:
        """Start everybody, and live through the phases of the seed; then one twin is gone."""
        phases = list(islice(draw_phases(self.random, self.honest), PHASES))
        self.twins.share_out(phases[0])
        await self.start(*range(self.count + 1))
        for phase in phases:
            self.twins.share_out(phase)
            await self._live_through(phase)
        await self.stop(self.second)
        self.twins.reunite()
        return phases

    async def _live_through(self, phase: TwinPhase) -> None:
        """Until views have passed where they can, and everybody has given up where they cannot."""
        if phase.can_decide(self.count):
            goal = self._highest_view() + VIEWS_PER_PHASE
            await self.wait_until(lambda: self._highest_view() >= goal)
        else:
            await self.wait_until(lambda: all(map(self._has_given_up, self.honest)))

    def _highest_view(self) -> View:
        return max(self.nodes[index].view for index in self.honest)

    def _has_given_up(self, index: int) -> bool:
        state = self.nodes[index].driver.state
        return state.open_view(state.view).own_nullify is not None

    async def close(self) -> None:
        await self.stop()
        self.links.close()
