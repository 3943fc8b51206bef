"""What one validator remembers of the fast chain's misbehaviour, and the vote that follows.

A plain data structure without a clock. One vote for each quarantine: after it, and
while the quarantine is on, nothing more is asked for. A resume begins anew, since
what was seen is of an execution that is void.
"""

from collections import deque
from dataclasses import replace
from typing import Final

from bridge.attestations import Divergence
from bridge.state import BridgeState
from bridge.triggers import (
    DEFAULT_LIMITS,
    NO_REFUSALS,
    Observations,
    QuarantineReason,
    Refusals,
    TriggerLimits,
    blocks_without_checkpoint,
    find_reason,
    is_alarming,
)
from ledger.types import BlockNumber

MAX_KEPT_DIVERGENCES: Final = 16


class QuarantineWatch:
    """Observations of one node.

    Parameters
    ----------
    limits
        None if this node never votes by itself; it still counts what it sees.
    """

    def __init__(self, state: BridgeState, limits: TriggerLimits | None, max_faulty: int) -> None:
        self.limits = limits
        self.divergence_count = 0
        self.refusals_total = NO_REFUSALS
        self.last_reason: QuarantineReason | None = None
        self._state = state
        self._max_faulty = max_faulty
        self._seen = Observations(judged_from=BlockNumber(state.fast.number))
        self._alarming: deque[Divergence] = deque(maxlen=MAX_KEPT_DIVERGENCES)
        self._refused: dict[BlockNumber, Refusals] = {}
        self._voted_sequence: int | None = None

    @property
    def blocks_without_checkpoint(self) -> int:
        """Fast blocks that this node has executed past the last one that had to be certified."""
        return blocks_without_checkpoint(self._state, self._seen)

    def diverged(self, divergence: Divergence) -> None:
        """Note that validators signed different results of one block."""
        self.divergence_count += 1
        # The chain may be named with a block of an execution that a resume has voided since.
        is_of_this_ledger = any(
            bytes(checkpoint.ledger_digest)
            == self._state.expected_ledger_digest(role, checkpoint.number)
            for checkpoint, _ in divergence.groups
            if (role := self._state.role_of(checkpoint.chain_id)) is not None
        )
        if is_of_this_ledger and is_alarming(self._state, divergence, self._max_faulty):
            self._alarming.append(divergence)

    def executed_zk(self, number: BlockNumber, refusals: Refusals) -> None:
        """Note a final ZK block, and what it refused; a block may come twice."""
        if refusals == NO_REFUSALS or number in self._refused:
            return
        self.refusals_total += refusals
        oldest = number - (self.limits or DEFAULT_LIMITS).pressure_window_blocks
        self._refused = {past: seen for past, seen in self._refused.items() if past > oldest}
        self._refused[number] = refusals

    def executed_fast(self, number: BlockNumber) -> None:
        """Note the last final fast block that this node has executed."""
        self._seen = replace(self._seen, executed_number=number)

    def replay_is_wrong(self) -> None:
        """Note that the replay's state is not that of the checkpoint it was ordered from."""
        self._seen = replace(self._seen, is_replay_wrong=True)

    def settle(self, state: BridgeState) -> None:
        """Take the state after the newest final block."""
        is_resumed = state.quarantine.sequence != self._state.quarantine.sequence
        self._state = state
        if is_resumed:
            self._seen = Observations(judged_from=BlockNumber(state.fast.number))
            self._alarming.clear()
            self._refused.clear()

    def take_vote(self) -> QuarantineReason | None:
        """The reason to vote for quarantine now; once for each quarantine."""
        quarantine = self._state.quarantine
        if self.limits is None or self._voted_sequence == quarantine.sequence:
            return None
        refusals = sum(self._refused.values(), start=NO_REFUSALS)  # Within the last window seen.
        seen = replace(self._seen, divergences=tuple(self._alarming), refusals=refusals)
        reason = find_reason(self._state, seen, self.limits, self._max_faulty)
        if reason is not None:
            self._voted_sequence = quarantine.sequence
            self.last_reason = reason
        return reason
