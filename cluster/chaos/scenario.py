"""What a scenario is, and what comes out of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actors.config import DEFAULT_SPACING_BLOCKS, DEFAULT_THRESHOLD_BLOCKS
from cluster.chaos.timeline import Timeline
from cluster.launcher import ActorChoice, standard_actors

if TYPE_CHECKING:
    from cluster.chaos.arena import Arena


@dataclass(frozen=True, slots=True)
class Setup:
    """The network that a scenario needs.

    Attributes
    ----------
    has_l1
        Whether it brings an embedded L1 along and settles there.
    has_links
        Whether the nodes talk through proxies (:mod:`cluster.chaos.proxy`), which can be told to
        delay, stall, cut or swallow.
    choose
        Which class each part of a node has; see :func:`replacing`.
    has_traffic
        Whether transfers are sent on both chains all the time, from development accounts 32 to 63.
    convicted
        Validators that the ledger has to convict, and no others.
    liars
        Nodes whose execution is made to lie: their state roots are not compared.
    snapshot_spacing_blocks, snapshot_threshold_blocks
        How often snapshots are kept, and how far behind a node fetches one.
    """

    validators: int = 4
    has_l1: bool = False
    has_links: bool = False
    choose: ActorChoice = standard_actors
    has_traffic: bool = True
    convicted: tuple[int, ...] = ()
    liars: tuple[int, ...] = ()
    snapshot_spacing_blocks: int = DEFAULT_SPACING_BLOCKS
    snapshot_threshold_blocks: int = DEFAULT_THRESHOLD_BLOCKS


@dataclass(frozen=True, slots=True)
class Finding:
    """What a scenario measured.

    Attributes
    ----------
    recovery_seconds
        From the fault, or from its end where nothing can recover before, until what had failed
        takes part again; None where nothing had to recover.
    loss_wei, bound_wei
        What was lost, and the loss bound at the moment of the fault; None for what the ZK chain
        said of its bound before the first fault.
    nfts_lost_to_cap
        Tokens that a forged report took, within the cap of its round.
    """

    recovery_seconds: float | None = None
    loss_wei: int = 0
    bound_wei: int | None = None
    nfts_lost_to_cap: int = 0


Run = Callable[["Arena"], Finding]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One attack or fault, and the promise that it must not break.

    Attributes
    ----------
    invariant
        What has to hold, in one sentence.
    description
        What is done to the network, in one sentence.
    seed
        Of all that is drawn by chance; the command line may give another.
    """

    name: str
    invariant: str
    description: str
    run: Run
    seed: int = 1
    setup: Setup = field(default=Setup())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of one run.

    Attributes
    ----------
    held
        Whether all promises held; None where the scenario was skipped.
    reason
        What broke, or why it was skipped.
    seconds
        How long it took, the start of the network not counted.
    """

    name: str
    invariant: str
    held: bool | None
    faults_injected: int
    loss_wei: int
    bound_wei: int
    nfts_lost_to_cap: int
    recovery_seconds: float | None
    seed: int
    timeline: Timeline
    seconds: float = 0.0
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything but the timeline; amounts in wei are decimal texts."""
        return {
            "name": self.name,
            "invariant": self.invariant,
            "held": self.held,
            "faults_injected": self.faults_injected,
            "loss_wei": str(self.loss_wei),
            "bound_wei": str(self.bound_wei),
            "nfts_lost_to_cap": self.nfts_lost_to_cap,
            "recovery_seconds": None
            if self.recovery_seconds is None
            else round(self.recovery_seconds, 2),
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "reason": self.reason,
        }


def replacing(part: str, actor_class: Any, *nodes: int) -> ActorChoice:
    """Choose another class for one part of a node.

    Parameters
    ----------
    part
        ``validator``, ``bridge``, ``gateway``, ``executor-zk`` or ``executor-fast``.
    actor_class
        A Ray actor class with the constructor and the methods of the standard one.
    nodes
        Where; on all nodes if none is named.
    """

    def choose(node: int, chosen_part: str, standard: Any) -> Any:
        is_chosen = chosen_part == part and (not nodes or node in nodes)
        return actor_class if is_chosen else standard

    return choose
