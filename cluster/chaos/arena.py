"""What a scenario's function works with: a running network, faults, looking and waiting."""

import contextlib
import threading
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Final

import psutil
import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError

from cluster.chaos.links import Links
from cluster.chaos.observer import Observer
from cluster.chaos.processes import kill_now, process_of
from cluster.chaos.scenario import Setup
from cluster.chaos.timeline import MarkKind, Timeline
from cluster.launcher import clean_up, connection, create_validator, node_handles, start_network
from cluster.ray_instance import processes_of
from cluster.run_record import load_run
from cluster.session import Session

STOP_SECONDS: Final = 10.0
CORE_PARTS: Final = ("validator", "bridge", "gateway", "executor-zk", "executor-fast")


class Arena(Observer):
    """One running network.

    Attributes
    ----------
    random
        All that a scenario draws by chance comes from here.
    links
        The network between the nodes, if the scenario asked for it.
    """

    def __init__(
        self,
        session: Session,
        setup: Setup,
        random: Random,
        timeline: Timeline,
        links: Links | None,
    ) -> None:
        super().__init__(session, timeline)
        self.setup = setup
        self.random = random
        self.ray_lock = threading.RLock()
        """Held by whoever needs Ray to be there; see :meth:`power_off`."""
        self._links = links
        self._connections = contextlib.ExitStack()

    @property
    def links(self) -> Links:
        """The network between the nodes."""
        assert self._links is not None, "the scenario's setup has no links"
        return self._links

    # MARKS

    def fault(self, text: str) -> float:
        """Note that a fault is injected now; it counts as one."""
        return self.timeline.mark(MarkKind.FAULT, text)

    def heal(self, text: str) -> float:
        """Note that a fault ends now."""
        return self.timeline.mark(MarkKind.HEAL, text)

    def note(self, text: str) -> float:
        """Note something worth seeing in the report."""
        return self.timeline.mark(MarkKind.NOTE, text)

    def loss(self, loss_wei: int, bound_wei: int) -> None:
        """Note what was lost by now, and the bound."""
        self.timeline.sample_loss(loss_wei, bound_wei)

    # FAULTS

    def process(self, node: int, part: str) -> psutil.Process:
        """The process of a part, once it answers."""
        found: psutil.Process = self.wait_until(
            lambda: self._process(node, part), f"an answer of node {node}'s {part}"
        )
        return found

    def kill(self, node: int, *parts: str) -> float:
        """``kill -9`` of parts of a node; Ray starts them again. Gives the moment."""
        return self.kill_all([(node, part) for part in parts])

    def kill_all(self, victims: Iterable[tuple[int, str]]) -> float:
        """``kill -9`` of many parts at once."""
        processes = [(node, part, self.process(node, part)) for node, part in victims]
        for node, part, process in processes:
            self.fault(f"kill -9 of node {node}'s {part}")
            process.kill()
        began = self.now()
        for _, _, process in processes:
            kill_now(process)
        return began

    def stop_validator(self, node: int) -> float:
        """``kill -9`` of a validator that Ray does not start again."""
        process = self.process(node, "validator")
        began = self.fault(f"kill -9 of node {node}'s validator")
        process.kill()
        ray.kill(self.actor(node, "validator"), no_restart=True)
        kill_now(process)
        return began

    def start_validator(self, node: int) -> None:
        """Start a validator that was stopped."""
        config = self.node(node).config

        def created() -> ActorHandle | None:
            try:
                return create_validator(config, self.setup.choose)
            except ValueError:
                return None  # Ray has not given the name free yet.

        validator = self.wait_until(created, f"a new validator {node}")
        nodes = list(self.session.nodes)
        nodes[node] = replace(nodes[node], validator=validator)
        self.session = replace(self.session, nodes=tuple(nodes))

    def power_off(self) -> float:
        """``kill -9`` of every process of the network, Ray's own included. Gives the moment."""
        instance = load_run(self.session.network)
        began = self.fault("kill -9 of every process, Ray's own included")
        processes = processes_of(instance.temporary_directory)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=STOP_SECONDS)
        return began

    def power_on(self) -> None:
        """Start the network again from its disks, as ``braid up`` does."""
        network = self.session.network
        ray.shutdown()
        clean_up(network)
        instance = start_network(network, choose=self.setup.choose)
        self._connections.enter_context(connection(instance))
        nodes = tuple(node_handles(node.config) for node in self.session.nodes)
        self.session = replace(self.session, nodes=nodes)

    def close(self) -> None:
        """Leave the Ray that was started last."""
        self._connections.close()

    def _process(self, node: int, part: str) -> psutil.Process | None:
        try:
            return process_of(self.actor(node, part))
        except (RayActorError, GetTimeoutError, psutil.NoSuchProcess):
            return None
