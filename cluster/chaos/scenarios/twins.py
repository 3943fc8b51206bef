"""One validator's key on two machines at once, each with its own part of the network."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Final

import psutil
import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError

from actors.bridge.actor import BridgeActor
from actors.config import NodeConfig
from actors.executor.actor import ExecutorActor
from actors.validator.vote_journal import found_journal
from cluster.chaos.arena import Arena
from cluster.chaos.processes import kill_now, process_of
from cluster.chaos.scenario import Finding, Scenario, Setup
from cluster.chaos.twins import TwinPhase, Twins, draw_phases
from cluster.launcher import READY_TIMEOUT_SECONDS, create_validator
from cluster.ports import free_ports
from cluster.settling import create_actor
from ledger.types import ChainRole

CULPRIT: Final = 3
SECOND: Final = 4
HONEST: Final = (0, 1, 2)
PHASES: Final = 6
BLOCKS_PER_PHASE: Final = 8
BLOCKS: Final = 12


@dataclass(frozen=True, slots=True)
class TwinConfig(NodeConfig):
    """Of the second twin: the same validator, with actors of other names."""

    def actor_name(self, part: str) -> str:
        """Name under which Ray knows one of the node's actors."""
        return f"node-{self.index}-twin/{part}"


def twins(arena: Arena) -> Finding:
    """Start a validator's twin, and share the honest out between the two, over and over."""
    listen = {node: arena.node(node).config.listen for node in range(arena.count)}
    (port,) = free_ports(1)
    host = listen[CULPRIT].host
    ways = Twins(
        arena.links,
        CULPRIT,
        SECOND,
        ((host, listen[CULPRIT].port), (host, port)),
        {node: (listen[node].host, listen[node].port) for node in HONEST},
    )
    phases = list(islice(draw_phases(arena.random, HONEST), PHASES))
    ways.share_out(phases[0])
    with _second_twin(_config(arena, ways, port)):
        for phase in phases:
            ways.share_out(phase)
            arena.fault(_text(phase))
            goal = arena.head(*HONEST) + BLOCKS_PER_PHASE
            arena.wait_until(
                partial(_has_grown, arena, goal), f"height {goal} at one of the honest nodes"
            )
    ways.reunite()
    began = arena.heal("the second twin is gone, everybody hears everybody")
    arena.wait_for_growth(BLOCKS, *HONEST)
    for node in HONEST:
        arena.wait_until(partial(_convicts, arena, node), f"a conviction at node {node}")
    return Finding(recovery_seconds=arena.now() - began)


def _config(arena: Arena, ways: Twins, port: int) -> TwinConfig:
    """The first twin's configuration, with a disk, a port and ways of its own."""
    first = arena.node(CULPRIT).config
    directory = first.directory.with_name(f"{first.directory.name}-twin")
    directory.mkdir()
    shutil.copy(first.seed_file, directory / first.seed_file.name)
    # It says that its keys are new, so it asks nobody what it has signed before.
    config = TwinConfig(
        index=first.index,
        directory=directory,
        genesis_file=first.genesis_file,
        listen=replace(first.listen, port=port),
        peers=tuple(
            replace(peer, port=ways.ports[peer.index])
            for peer in first.peers
            if peer.index in HONEST
        ),
        rpc_host=first.rpc_host,
        rpc_port=first.rpc_port,
    )
    found_journal(config.journal_directory, arena.session.network.genesis.epoch)
    return config


@contextlib.contextmanager
def _second_twin(config: TwinConfig) -> Iterator[None]:
    """The actors of the second twin, without a gateway."""
    actors: list[ActorHandle] = [
        create_actor(ExecutorActor, config.executor_name(role), config, role) for role in ChainRole
    ]
    actors.append(create_actor(BridgeActor, config.actor_name("bridge"), config))
    actors.append(create_validator(config))
    try:
        ray.get([actor.ready.remote() for actor in actors], timeout=READY_TIMEOUT_SECONDS)
        yield
    finally:
        for actor in reversed(actors):
            with contextlib.suppress(RayActorError, psutil.NoSuchProcess):
                process = process_of(actor)
                ray.kill(actor, no_restart=True)
                kill_now(process)


def _text(phase: TwinPhase) -> str:
    parted = ", who do not hear each other" if phase.is_parted else ""
    return f"{sorted(phase.first)} talk to one twin and {sorted(phase.second)} to the other{parted}"


def _has_grown(arena: Arena, goal: int) -> bool:
    return arena.head(*HONEST) >= goal


def _convicts(arena: Arena, node: int) -> bool:
    status = arena.status(node)
    return status is not None and status["convicted"] == [CULPRIT]


SCENARIOS = (
    Scenario(
        "twins",
        "one key on two machines forks nothing, and convicts its owner and nobody else",
        "a second validator with the key of one of four; who talks to which changes six times",
        twins,
        setup=Setup(has_links=True, convicted=(CULPRIT,)),
    ),
)
