"""How the caps of game rounds tighten when the fast chain is in doubt.

A quarantine stops what comes from the fast chain; it needs a quorum, ends by a vote, and
says nothing of what may come after it. The caps are the second line. The ledger halves
them with each alarm, all rounds' alike, and relaxes them one halving at a time:

    alarm        the (f+1)-th vote for a quarantine: at least one honest node has a reason
    alarm        the quarantine itself, by the quorum's vote
    relaxation   4,096 fast blocks, ordered after the last alarm, resume or relaxation, are
                 certified

Both alarms count once for each quarantine, so f faulty validators can neither tighten
anything nor keep anything tight. Only blocks that were ordered afterwards count for a
relaxation: what a replay certifies anew proves nothing new.

The ZK chain is told the number of halvings (``RoundGuard.set_cap_halvings``). What an
open round has left is halved for good there, so that a chain that lies gains nothing by
waiting for a relaxation; only rounds that open later get more again.
"""

from dataclasses import replace
from typing import Final

from bridge.state import BridgeState
from ledger.types import BlockNumber, max_faulty
from ledger.validators import ValidatorSet

MAX_CAP_HALVINGS: Final = 6
"""The tightest: a sixty-fourth. Three quarantines in a row lead there."""

CLEAN_BLOCKS_TO_RELAX: Final = 4096
"""Half of what the order may run ahead of its checkpoints: minutes of play."""


def is_alarm(vote_count: int, validators: ValidatorSet) -> bool:
    """Whether the last of so many votes for one quarantine is a reason to tighten."""
    return vote_count in (max_faulty(validators.count) + 1, validators.quorum)


def tighten(state: BridgeState) -> BridgeState:
    """The state with all caps halved once more, unless they are at the floor."""
    halvings = min(state.caps.halvings + 1, MAX_CAP_HALVINGS)
    return start_over(replace(state, caps=replace(state.caps, halvings=halvings)))


def start_over(state: BridgeState) -> BridgeState:
    """The state in which only fast blocks that are ordered from now on count as clean."""
    return replace(state, caps=replace(state.caps, clean_from=BlockNumber(state.fast.number)))


def relax_if_clean(state: BridgeState) -> BridgeState:
    """The state after another checkpoint of the fast chain: one halving less, if it is time."""
    clean_blocks = state.fast.certified.number - state.caps.clean_from
    if state.caps.halvings == 0 or clean_blocks < CLEAN_BLOCKS_TO_RELAX:
        return state
    halvings = state.caps.halvings - 1
    return start_over(replace(state, caps=replace(state.caps, halvings=halvings)))
