"""State of one validator: plain data, owned by :func:`consensus.step.step`."""

from dataclasses import dataclass, field

from consensus.config import GENESIS_VIEW, ConsensusConfig
from consensus.tally import Tally
from ledger.evidence import Evidence
from ledger.types import ZERO_DIGEST, Digest, ValidatorIndex, View
from ledger.votes import (
    Finalization,
    Finalize,
    Notarization,
    Notarize,
    Nullification,
    Nullify,
    Proposal,
)


@dataclass(slots=True)
class ViewState:
    """What is known of one view.

    ``payload_checks`` maps a payload to the shell's verdict, ``None`` while it is pending.
    """

    view: View
    leader: ValidatorIndex
    notarizes: Tally[Notarize] = field(default_factory=Tally)
    nullifies: Tally[Nullify] = field(default_factory=Tally)
    finalizes: Tally[Finalize] = field(default_factory=Tally)
    proposal: Proposal | None = None
    own_notarize: Notarize | None = None
    own_nullify: Nullify | None = None
    own_finalize: Finalize | None = None
    notarization: Notarization | None = None
    nullification: Nullification | None = None
    requested_parent: View | None = None
    payload_checks: dict[Digest, bool | None] = field(default_factory=dict)
    is_leader_equivocating: bool = False
    convicted: set[tuple[type[Evidence], ValidatorIndex]] = field(default_factory=set)
    refused: set[ValidatorIndex] = field(default_factory=set)

    @property
    def is_certified(self) -> bool:
        """Whether the view has a notarized payload that was checked here (rule 8)."""
        return (
            self.notarization is not None
            and self.payload_checks.get(self.notarization.proposal.payload) is True
        )


@dataclass(slots=True)
class ConsensusState:
    """Everything that a validator remembers between two steps.

    ``finalized`` is the floor: it never moves back, and no vote is cast at or below it.
    ``uncertified`` holds the notarized views above it whose payload is not checked yet.
    ``convicted`` is what the shell has told of the ledger. ``votes_from`` is the first view
    to vote in; ``None`` while the others are asked (rule 17): ``challenge`` is then what they
    were asked with, and ``reached`` the views that they have answered.
    """

    config: ConsensusConfig
    view: View = GENESIS_VIEW
    finalized: View = GENESIS_VIEW
    finalized_payload: Digest = ZERO_DIGEST
    finalization: Finalization | None = None
    views: dict[View, ViewState] = field(default_factory=dict)
    uncertified: set[View] = field(default_factory=set)
    last_active: list[View] = field(default_factory=list)
    convicted: frozenset[ValidatorIndex] = frozenset()
    leader_deadline_ms: int = 0
    advance_deadline_ms: int = 0
    retry_deadline_ms: int = 0
    resolve_deadline_ms: int | None = None
    resolve_attempts: int = 0
    answered_ms: dict[ValidatorIndex, int] = field(default_factory=dict)
    armed_deadline_ms: int | None = None
    votes_from: View | None = GENESIS_VIEW
    challenge: bytes | None = None
    reached: dict[ValidatorIndex, View] = field(default_factory=dict)
    told_ms: dict[ValidatorIndex, int] = field(default_factory=dict)
    ask_deadline_ms: int | None = None

    def may_vote(self, view: View) -> bool:
        """Whether all votes that this validator ever cast in a view are known here (rule 17)."""
        return self.votes_from is not None and view >= self.votes_from

    def open_view(self, view: View) -> ViewState:
        """State of a view, made if there is none; the caller has bounded ``view``."""
        view_state = self.views.get(view)
        if view_state is None:
            view_state = ViewState(view, self.config.leader_of(view))
            self.views[view] = view_state
        return view_state


def initial_state(config: ConsensusConfig) -> ConsensusState:
    """State before the :class:`~consensus.events.Start` event."""
    payload = config.origin_payload
    return ConsensusState(
        config=config,
        view=config.origin_view,
        finalized=config.origin_view,
        finalized_payload=config.validators.digest if payload is None else payload,
        last_active=[config.origin_view] * config.validators.count,
    )
