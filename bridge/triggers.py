"""When a validator votes to quarantine the fast chain: pure predicates over what it sees.

A trigger moves one validator's vote; only a quorum of votes moves the ledger.

What the ZK chain refuses has two kinds. Some an honest fast chain never asks for: more
value than is locked, a return of what was never sent, a message to a forbidden target.
One such is enough. A report past a round's cap is different: anyone may deploy a game
that asks for too much, for the price of its gas. So a few are a game's mistake, and it
takes many of them, within a short time, to look like a chain that lies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bridge.attestations import Divergence
from bridge.state import BridgeState
from ledger.types import BlockNumber, ChainRole


class QuarantineReason(Enum):
    """Reason in a vote that a node casts by itself."""

    DIVERGENCE = "divergent attestations"
    CAP_PRESSURE = "cap pressure"
    STALLED_CHECKPOINT = "stalled checkpoint"
    WRONG_REPLAY = "replay differs from its checkpoint"


@dataclass(frozen=True, slots=True)
class TriggerLimits:
    """When enough is enough.

    ``reports_over_cap``: so many reports past a round's cap, within the last
    ``pressure_window_blocks`` blocks of the ZK chain. ``blocks_without_checkpoint``: so
    many fast blocks that the own node has executed past the last certified one.
    """

    reports_over_cap: int
    pressure_window_blocks: int
    blocks_without_checkpoint: int


DEFAULT_LIMITS: Final = TriggerLimits(
    reports_over_cap=8, pressure_window_blocks=256, blocks_without_checkpoint=2048
)
"""Eight reports past a cap: a game that asks for too much once does not cut the chain off, and
one block of forged reports does. 2,048 blocks are a quarter of what the order may run ahead."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the ZK chain refused the fast chain.

    ``over_cap`` are reports past a round's cap, ``impossible`` what no honest fast
    chain asks for.
    """

    over_cap: int = 0
    impossible: int = 0

    def __add__(self, other: "Refusals") -> "Refusals":
        return Refusals(self.over_cap + other.over_cap, self.impossible + other.impossible)


NO_REFUSALS: Final = Refusals()
GENESIS_NUMBER: Final = BlockNumber(0)


@dataclass(frozen=True, slots=True)
class Observations:
    """What one node has seen of the fast chain since the last quarantine.

    ``executed_number`` is the last final fast block that the own node has executed;
    ``judged_from`` the last one that was ordered when it began to look, or at the resume;
    ``is_replay_wrong``: its replay reached the resume's checkpoint with another root.
    """

    divergences: tuple[Divergence, ...] = ()
    refusals: Refusals = NO_REFUSALS
    executed_number: BlockNumber = GENESIS_NUMBER
    judged_from: BlockNumber = GENESIS_NUMBER
    is_replay_wrong: bool = False


def find_reason(
    state: BridgeState, seen: Observations, limits: TriggerLimits, max_faulty: int
) -> QuarantineReason | None:
    """Why this validator should vote for quarantine, or None.

    Nothing is a reason while the quarantine is on.
    """
    if state.quarantine.is_active:
        return None
    if seen.is_replay_wrong:
        return QuarantineReason.WRONG_REPLAY
    if any_alarming(state, seen.divergences, max_faulty):
        return QuarantineReason.DIVERGENCE
    if has_cap_pressure(state, seen.refusals, limits):
        return QuarantineReason.CAP_PRESSURE
    if blocks_without_checkpoint(state, seen) >= limits.blocks_without_checkpoint:
        return QuarantineReason.STALLED_CHECKPOINT
    return None


def any_alarming(state: BridgeState, divergences: Iterable[Divergence], max_faulty: int) -> bool:
    """Whether one of the disagreements is more than named liars."""
    return any(is_alarming(state, divergence, max_faulty) for divergence in divergences)


def is_alarming(state: BridgeState, divergence: Divergence, max_faulty: int) -> bool:
    """Whether a disagreement about the fast chain is more than named liars.

    Up to f dissenters from a certified checkpoint are what the system tolerates.
    More than f, or a quorum's worth of attestations that no group has a majority of,
    mean that honest executions differ.
    """
    if state.role_of(divergence.chain_id) is not ChainRole.FAST:
        return False
    if divergence.certified is not None:
        return len(divergence.dissenters) > max_faulty
    outside_largest = sum(len(signers) for _, signers in divergence.groups[1:])
    return outside_largest > max_faulty


def has_cap_pressure(state: BridgeState, refusals: Refusals, limits: TriggerLimits) -> bool:
    """Whether the fast chain asks for what it cannot have.

    After a resume, users may honestly ask for value that a forged chain took before:
    then only reports past a cap count.
    """
    is_first_execution = state.quarantine.sequence == 0
    is_proof = is_first_execution and refusals.impossible > 0
    return is_proof or refusals.over_cap >= limits.reports_over_cap


def blocks_without_checkpoint(state: BridgeState, seen: Observations) -> int:
    """How many fast blocks this node has executed past what had to be certified first.

    A node whose own executor is away or behind cannot judge that. What a replay or a
    catch-up executes in a hurry is certified later: only blocks that were ordered since
    count.
    """
    known_good = max(state.fast.certified.number, seen.judged_from)
    return max(0, seen.executed_number - known_good)
