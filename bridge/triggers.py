"""When a validator votes to quarantine the fast chain: pure predicates over what it sees.

A trigger moves one validator's vote; only a quorum of votes moves the ledger.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from bridge.attestations import Divergence
from bridge.state import BridgeState
from ledger.types import ChainRole


class QuarantineReason(Enum):
    """Reason in a vote that a node casts by itself."""

    DIVERGENCE = "divergent attestations"
    CAP_PRESSURE = "cap pressure"
    STALLED_CHECKPOINT = "stalled checkpoint"


@dataclass(frozen=True, slots=True)
class TriggerLimits:
    """When enough is enough.

    ``refused_messages``: so many messages past a round's cap, or past what is locked,
    since the last look. ``blocks_without_checkpoint``: so many fast blocks past the
    last certified one.
    """

    refused_messages: int
    blocks_without_checkpoint: int


def find_reason(
    state: BridgeState,
    divergences: Iterable[Divergence],
    refused_messages: int,
    limits: TriggerLimits,
    max_faulty: int,
) -> QuarantineReason | None:
    """Why this validator should vote for quarantine, or None.

    Nothing is a reason while the quarantine is on.
    """
    if state.quarantine.is_active:
        return None
    if any(is_alarming(state, divergence, max_faulty) for divergence in divergences):
        return QuarantineReason.DIVERGENCE
    if has_cap_pressure(refused_messages, limits):
        return QuarantineReason.CAP_PRESSURE
    if is_checkpoint_stalled(state, limits):
        return QuarantineReason.STALLED_CHECKPOINT
    return None


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


def has_cap_pressure(refused_messages: int, limits: TriggerLimits) -> bool:
    """Whether the fast chain asks for more than its rounds allow."""
    return refused_messages >= limits.refused_messages


def is_checkpoint_stalled(state: BridgeState, limits: TriggerLimits) -> bool:
    """Whether the fast chain's execution is not certified any more, while its order goes on."""
    behind = state.fast.number - state.fast.certified.number
    return behind >= limits.blocks_without_checkpoint
