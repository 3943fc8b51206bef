"""Machines that live through several epochs, each with its own set of validators.

A machine may hold another key in each epoch, join late, or be removed. Within an epoch
everything is as in the other simulations: a :class:`Node` for each honest member, an
adversary for each traitor, and a checker that knows that epoch's set alone. A traitor
goes on in every epoch that it was ever in.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from consensus import ConsensusMessage, Effect, Finalized, Notarized, Nullified, epoch_of
from ledger.types import Digest, View, max_faulty
from ledger.votes import Certificate, Finalization
from tests.simulation.adversaries import ADVERSARIES, Adversary
from tests.simulation.adversaries.relabeller import Relabeller
from tests.simulation.checker import InvariantBroken
from tests.simulation.epoch_schedule import EpochSchedule
from tests.simulation.keys import KeyedHashValidators
from tests.simulation.network import CALM, Network, Receive
from tests.simulation.node import Node
from tests.simulation.payload import Payload, PayloadPacket, PayloadWanted
from tests.simulation.schedule import CHAOS_MS, DELTA_MS, Action
from tests.simulation.scheduler import Scheduler
from tests.simulation.simulate import BUILD_MS, CALM_LATENCY_MS
from tests.simulation.world import World

LIVENESS_MS: Final = 60 * DELTA_MS
EPOCH_ADVERSARIES: Final[dict[str, Callable[["Era", int], Adversary]]] = {
    **ADVERSARIES,
    "relabeller": Relabeller,
}
Origin = tuple[View, Digest]


@dataclass(frozen=True, slots=True)
class EpochOutcome:
    """What a run came to; ``trace_digest`` is the same for the same seed."""

    seed: int
    epochs: int
    heights: tuple[int, ...]
    evidence: tuple[int, ...]
    faults: Counter[str]
    helped: int
    refused: int
    trace_digest: str


class _EpochNetwork(Network):
    """The one network, with the numbers that validators have in one epoch."""

    def __init__(self, shared: Network, members: tuple[int, ...]) -> None:
        self._shared = shared
        self._members = members
        self.receivers: dict[int, Receive] = {}

    def attach(self, index: int, receive: Receive) -> None:
        """Deliver what a machine hands over for this validator."""
        self.receivers[index] = receive

    def send(self, sender: int, receiver: int, packet: object) -> None:
        """Send from machine to machine."""
        self._shared.send(self._members[sender], self._members[receiver], packet)


class Era(World):
    """One epoch: its set, its checker, and where it starts."""

    def __init__(self, simulation: "EpochSimulation", number: int, origin: Origin | None) -> None:
        schedule = simulation.schedule
        self.number = number
        self.members = tuple(machine for machine, _ in schedule.sets[number])
        holders = [f"machine {machine} key {key}" for machine, key in schedule.sets[number]]
        is_final = number + 1 == len(schedule.sets)
        start_view = 0 if origin is None else origin[0]
        super().__init__(
            seed=schedule.seed,
            validators=KeyedHashValidators(len(holders), epoch=number, names=holders),
            byzantine=frozenset(
                index
                for index, machine in enumerate(self.members)
                if machine in dict(schedule.traitors)
            ),
            latency_ms=simulation.network.latency_ms,
            delta_ms=DELTA_MS,
            build_ms=BUILD_MS,
            origin=origin,
            last_from_view=View(1 << 40 if is_final else start_view + schedule.views_per_epoch),
        )
        assert len(self.byzantine) <= max_faulty(len(holders))
        self.scheduler = simulation.scheduler
        self.rng = simulation.rng
        self.faults = simulation.faults
        self.earlier = simulation.eras[number - 1] if number else None
        self.certificates: list[Certificate] = []
        self.epoch_network = _EpochNetwork(simulation.network, self.members)
        self.network = self.epoch_network

    def index_of(self, machine: int) -> int | None:
        """Number of a machine's validator in this epoch."""
        return self.members.index(machine) if machine in self.members else None


class Member(Node):
    """An honest validator in one epoch of its machine."""

    def __init__(self, machine: "Machine", era: Era, index: int) -> None:
        super().__init__(era, index)
        self.machine = machine
        self.era = era
        self.store = machine.store
        self.certificate: Finalization | None = None

    def finalized(self, effect: Finalized) -> None:
        """Keep the certificate: it may be the one that ends the epoch."""
        self.certificate = effect.certificate
        super().finalized(effect)

    def perform(self, effect: Effect) -> None:
        """Make certificates known to those who would misuse them."""
        if isinstance(effect, (Notarized, Nullified, Finalized)):
            self.era.certificates.append(effect.certificate)
        super().perform(effect)

    def may_end_epoch(self) -> bool:
        """No, if the machine is to crash at this very moment."""
        if not self.machine.will_crash_at_the_end:
            return True
        self.machine.will_crash_at_the_end = False
        self.world.faults["crash at the end of an epoch"] += 1
        self.crash()
        return False

    def epoch_ended(self, payload: Payload) -> None:
        """Go on in the next epoch."""
        assert self.certificate is not None
        self.stop()
        self.machine.advance((payload.view, payload.digest), self.certificate)


class Machine:
    """One honest operator's machine: a transport with an allow-list, and its validator."""

    def __init__(self, simulation: "EpochSimulation", number: int) -> None:
        self.simulation = simulation
        self.number = number
        self.era: Era | None = None
        self.node: Member | None = None
        self.store: dict[Digest, Payload] = {}
        self.will_crash_at_the_end = False
        self._closings: dict[int, Finalization] = {}
        self._helped_ms: dict[int, int] = {}
        simulation.network.attach(number, self.receive)

    def enter(self, era: Era) -> None:
        """Take part in an epoch, if this machine has a validator in it."""
        self.era = era
        index = era.index_of(self.number)
        self.node = None if index is None else Member(self, era, index)
        if self.node is None:
            self.simulation.faults["removed"] += 1
            return
        self.node.boot()

    def advance(self, origin: Origin, closing: Finalization) -> None:
        """The own epoch is over."""
        assert self.era is not None
        self._closings[self.era.number] = closing
        self.enter(self.simulation.era(self.era.number + 1, origin))

    def receive(self, sender: int, packet: object) -> None:
        """A packet of a machine arrives, and is refused if that has no validator in the epoch."""
        if self.node is None or self.era is None or not self.node.is_up:
            return
        index = self.era.index_of(sender)
        if index is None:
            self.simulation.refused += 1
            return
        if not isinstance(packet, (PayloadPacket, PayloadWanted)):
            self._help(sender, packet)  # type: ignore[arg-type]  # all others are messages
        self.node.receive(index, packet)

    def _help(self, sender: int, message: ConsensusMessage) -> None:
        """Rule 16: what was said in an epoch that is over is answered by what ended it."""
        epoch = epoch_of(message)
        closing = None if epoch is None else self._closings.get(epoch)
        now_ms = self.simulation.scheduler.now_ms
        is_too_soon = now_ms < self._helped_ms.get(sender, -DELTA_MS) + DELTA_MS // 4
        if closing is None or is_too_soon:
            return
        self._helped_ms[sender] = now_ms
        self.simulation.helped += 1
        self.simulation.network.send(self.number, sender, closing)


class Traitor:
    """An adversary's machine: one adversary for each epoch, all alive for ever."""

    def __init__(self, simulation: "EpochSimulation", number: int, name: str) -> None:
        self._simulation = simulation
        self._number = number
        self._name = name
        self._lives: list[tuple[Era, int, Adversary]] = []
        simulation.network.attach(number, self.receive)

    def enter(self, era: Era) -> None:
        """Begin to misbehave in one more epoch."""
        index = era.index_of(self._number)
        if index is not None:
            adversary = EPOCH_ADVERSARIES[self._name](era, index)
            self._lives.append((era, index, adversary))
            adversary.boot()

    def receive(self, sender: int, packet: object) -> None:
        """A packet arrives; each life takes it as its own epoch's."""
        for era, index, _ in list(self._lives):
            peer = era.index_of(sender)
            if peer is not None:
                era.epoch_network.receivers[index](peer, packet)


class EpochSimulation:
    """One run of a schedule with changes of the set: chaos, then a network that has to go on."""

    def __init__(self, schedule: EpochSchedule) -> None:
        self.schedule = schedule
        self.rng = Random(schedule.seed)
        self.scheduler = Scheduler()
        self.network = Network(self.scheduler, self.rng, self._latency_ms)
        self.faults: Counter[str] = Counter()
        self.helped = 0
        self.refused = 0
        self._is_stable = False
        self.eras: list[Era] = []
        self._goal_view = View(0)
        traitors = dict(schedule.traitors)
        self.honest = [
            Machine(self, number) for number in schedule.machines if number not in traitors
        ]
        self.traitors = [Traitor(self, number, name) for number, name in schedule.traitors]

    def era(self, number: int, origin: Origin | None) -> Era:
        """An epoch; the first machine that ends the one before begins it.

        Raises
        ------
        InvariantBroken
            If two machines end an epoch with different payloads.
        """
        if number < len(self.eras):
            era = self.eras[number]
            if origin != (era.origin_view, era.origin_payload):
                raise InvariantBroken(f"epoch {number} starts from {origin} and from another")
            return era
        era = Era(self, number, origin)
        self.eras.append(era)
        before = set(self.eras[number - 1].members) if number else set(era.members)
        for machine in self.honest:
            if machine.number in era.members and machine.number not in before:
                delay_us = self.rng.randrange(5 * DELTA_MS * 1000)
                self.scheduler.after(delay_us, self._join, machine, era)
        for traitor in self.traitors:
            self.scheduler.after(self.rng.randrange(DELTA_MS * 1000), traitor.enter, era)
        return era

    def _join(self, machine: Machine, era: Era) -> None:
        """A newcomer has fetched the ledger, and knows the epoch that it is in."""
        self.faults["joined"] += 1
        machine.enter(era)

    def run(self) -> EpochOutcome:
        """Run to the end.

        Raises
        ------
        InvariantBroken
            If the protocol broke a promise.
        """
        first = self.era(0, None)
        for machine in self.honest:
            if machine.number in first.members:
                self.scheduler.after(self.rng.randrange(DELTA_MS * 1000), machine.enter, first)
        self.network.weather = self.schedule.weather
        for action in self.schedule.actions:
            self.scheduler.after(action.at_ms * 1000, self._act, action)
        self.scheduler.run(CHAOS_MS * 1500)
        self._stabilise()
        healed_us = self.scheduler.now_us
        self.scheduler.run(healed_us + LIVENESS_MS * 1000, self._is_alive)
        if not self._is_alive():
            raise InvariantBroken(f"stuck: {self._where()}")
        trace = "".join(era.trace_digest for era in self.eras)
        return EpochOutcome(
            seed=self.schedule.seed,
            epochs=len(self.eras),
            heights=tuple(era.checker.height for era in self.eras),
            evidence=tuple(era.checker.evidence for era in self.eras),
            faults=self.faults,
            helped=self.helped,
            refused=self.refused,
            trace_digest=trace,
        )

    def _latency_ms(self, rng: Random, sender: int, receiver: int) -> float:
        return rng.uniform(*(CALM_LATENCY_MS if self._is_stable else self.schedule.latency_ms))

    def _act(self, action: Action) -> None:
        if self._is_stable:
            return
        if action.kind == "partition":
            self.network.groups = action.groups
            self.faults["partition"] += 1
            return
        if action.kind == "heal":
            self.network.groups = None
            return
        machine = next(found for found in self.honest if found.number == action.node)
        if action.kind == "crash at the end":
            machine.will_crash_at_the_end = True
        elif machine.node is None:
            return
        elif action.kind == "crash":
            machine.node.crash()
        elif action.kind == "crash before send":
            machine.node.will_crash_before_send = machine.node.is_up
        else:
            machine.node.boot()

    def _stabilise(self) -> None:
        """The global stabilisation time: everybody is up, and every packet arrives within Δ."""
        self._is_stable = True
        self.network.groups = None
        self.network.weather = CALM
        for machine in self.honest:
            machine.will_crash_at_the_end = False
            if machine.node is not None:
                machine.node.will_crash_before_send = False
                machine.node.boot()
        views = [
            machine.node.state.view
            for machine in self.honest
            if machine.node is not None and machine.node.state is not None
        ]
        self._goal_view = max(views)

    def _is_alive(self) -> bool:
        """Whether all of the last set have finalized something in it that was proposed late."""
        last = [number for number, _ in self.schedule.sets[-1]]
        return all(self._is_done(machine) for machine in self.honest if machine.number in last)

    def _is_done(self, machine: Machine) -> bool:
        is_in_last = machine.era is not None and machine.era.number + 1 == len(self.schedule.sets)
        return (
            is_in_last
            and machine.node is not None
            and machine.node.final_view > max(self._goal_view, machine.node.world.origin_view)
        )

    def _where(self) -> str:
        places = {
            machine.number: (machine.era.number, machine.node.final_view)
            for machine in self.honest
            if machine.era is not None and machine.node is not None
        }
        return f"epoch and final view of each machine {places}, goal {self._goal_view}"
