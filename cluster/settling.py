"""The actors that settle: the embedded L1, and each node's settlement with its provers.

What starts them is imported where it is needed: py-evm and the zkVM take long to load, and most
commands start nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray.actor import ActorHandle

from actors.config import ACTOR_NAMESPACE, L1_ACTOR, NodeConfig
from actors.settlement.actor import SETTLEMENT, SettlementActor
from cluster.l1_plan import SETTLING_NODES, L1Plan
from cluster.network import Network
from cluster.placement import ANYWHERE, Resources
from execution.types import Address
from ledger.types import ChainRole


@dataclass(frozen=True, slots=True)
class SettlementHandles:
    """A node's settlement; `pool` and `witnesses` only where batches are proved."""

    settlement: ActorHandle
    pool: ActorHandle | None = None
    witnesses: ActorHandle | None = None

    def all(self) -> list[ActorHandle]:
        """Every actor, in the order in which they are to be stopped."""
        found = (self.settlement, self.pool, self.witnesses)
        return [actor for actor in found if actor is not None]


def create_actor(
    actor_class: Any, name: str, *arguments: Any, resources: Resources = ANYWHERE
) -> ActorHandle:
    """Start a named, detached actor; there must be none of its name."""
    options = actor_class.options(
        name=name,
        namespace=ACTOR_NAMESPACE,
        lifetime="detached",
        get_if_exists=False,
        resources=dict(resources),
    )
    handle: ActorHandle = options.remote(*arguments)
    return handle


def create_embedded_l1(network: Network) -> list[ActorHandle]:
    """Start the L1 that the network brings along, if it does."""
    if network.l1 is None or network.l1.embedded is None:
        return []
    from actors.l1.actor import EmbeddedL1Actor
    from cluster.l1_founding import embedded_settings

    plan = network.l1.embedded
    people = [
        Address(entry.address)
        for entry in network.genesis.chain(ChainRole.ZK).allocations
        if not entry.code
    ]
    settings = embedded_settings(plan, network.directory, network.genesis, people)
    directory = network.directory / "l1" / "chain"
    return [create_actor(EmbeddedL1Actor, L1_ACTOR, directory, settings, "127.0.0.1", plan.port)]


def find_embedded_l1() -> list[ActorHandle]:
    """The running embedded L1, if there is one."""
    try:
        return [ray.get_actor(L1_ACTOR, namespace=ACTOR_NAMESPACE)]
    except ValueError:
        return []


def create_settlement(
    config: NodeConfig, plan: L1Plan, resources: Resources = ANYWHERE
) -> SettlementHandles:
    """Start a node's settlement, and the provers where it settles."""
    has_provers = config.index in SETTLING_NODES and plan.provers > 0
    create = partial(create_actor, resources=resources)
    settlement = create(SettlementActor, config.actor_name(SETTLEMENT), config, has_provers)
    if not has_provers:
        return SettlementHandles(settlement)
    from actors.prover.pool.actor import ProverPoolActor
    from actors.prover.pool.options import PoolOptions, WorkerOptions, pool_name
    from actors.prover.pool.programs import stf_programs
    from actors.prover.witness_actor import WitnessActor, witness_name

    options = PoolOptions(
        programs=stf_programs(plan.parameter_set),
        maximum_workers=plan.provers,
        splitter=witness_name(config),
        worker=WorkerOptions(gpus=plan.prover_gpus),
    )
    witnesses = create(WitnessActor, witness_name(config), config)
    pool = create(ProverPoolActor, pool_name(config), config, options)
    return SettlementHandles(settlement, pool, witnesses)


def find_settlement(
    config: NodeConfig, find: Callable[[str], ActorHandle]
) -> SettlementHandles | None:
    """Handles of a running node's settlement; None in a network that settles nowhere."""
    if config.l1 is None:
        return None
    from actors.prover.pool.options import pool_name
    from actors.prover.witness_actor import witness_name

    return SettlementHandles(
        find(config.actor_name(SETTLEMENT)),
        _find_optional(pool_name(config)),
        _find_optional(witness_name(config)),
    )


def _find_optional(name: str) -> ActorHandle | None:
    try:
        return ray.get_actor(name, namespace=ACTOR_NAMESPACE)
    except ValueError:
        return None
