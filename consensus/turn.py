"""One step under way: the state, the time, the effects so far, the views to look at again."""

from dataclasses import dataclass, field

from consensus.config import ConsensusConfig
from consensus.effects import Broadcast, Effect, Fault, PeerFault, Persist
from consensus.state import ConsensusState, ViewState
from consensus.tally import Tally, VoteT
from ledger.errors import SignatureError
from ledger.types import ValidatorIndex, View
from ledger.votes import Finalize, Notarize, Nullify, Proposal, Round, signed_message


@dataclass(slots=True)
class Turn:
    """Mutable context that the rules of one step share."""

    state: ConsensusState
    now_ms: int
    effects: list[Effect] = field(default_factory=list)
    touched: set[View] = field(default_factory=set)

    @property
    def config(self) -> ConsensusConfig:
        """The validator's configuration."""
        return self.state.config

    def emit(self, effect: Effect) -> None:
        """Add an effect."""
        self.effects.append(effect)

    def touch(self, view: View) -> None:
        """Have the rules applied to a view, since something it depends on has changed."""
        self.touched.add(view)

    def touch_waiting(self) -> None:
        """Touch every view that may wait for a certificate or for a verdict on a payload."""
        self.touched.add(self.state.view)
        self.touched.update(self.state.uncertified)

    def want_certificates(self, delay_ms: int) -> None:
        """Have missing certificates asked for, in ``delay_ms`` at the latest (rule 11)."""
        deadline_ms = self.now_ms + delay_ms
        armed_ms = self.state.resolve_deadline_ms
        if armed_ms is None or deadline_ms < armed_ms:
            self.state.resolve_deadline_ms = deadline_ms

    def is_genuine(self, view_state: ViewState, tally: Tally[VoteT], vote: VoteT) -> bool:
        """Check the signature of a held vote, unless that was done; drop a forged one (rule 12)."""
        if vote.signer in tally.verified:
            return True
        if self.has_valid_signature(view_state, vote):
            tally.verified.add(vote.signer)
            return True
        tally.drop(vote.signer)
        return False

    def has_valid_signature(
        self, view_state: ViewState, vote: Notarize | Nullify | Finalize
    ) -> bool:
        """Check a vote that its signer sent here itself; a forger is named and refused."""
        try:
            self.config.validators.verify_vote(vote)
        except SignatureError:
            self.refuse(view_state, vote.signer)
            return False
        return True

    def refuse(self, view_state: ViewState, signer: ValidatorIndex) -> None:
        """Take no more votes from a forger in this view."""
        view_state.refused.add(signer)
        self.emit(PeerFault(signer, Fault.BAD_SIGNATURE))

    def cast_notarize(self, view_state: ViewState, proposal: Proposal) -> None:
        """Sign, keep and send a notarize vote (rules 2 and 3)."""
        message = signed_message(Notarize, self.config.validators.digest, proposal)
        vote = Notarize(proposal, self.config.index, self.config.sign(message))
        view_state.own_notarize = vote
        view_state.notarizes.put(vote, is_verified=True)
        self._cast(view_state, vote)

    def cast_nullify(self, view_state: ViewState) -> None:
        """Sign, keep and send a nullify vote (rule 5)."""
        subject = Round(self.config.validators.epoch, view_state.view)
        message = signed_message(Nullify, self.config.validators.digest, subject)
        vote = Nullify(subject, self.config.index, self.config.sign(message))
        view_state.own_nullify = vote
        view_state.nullifies.put(vote, is_verified=True)
        self._cast(view_state, vote)

    def cast_finalize(self, view_state: ViewState, proposal: Proposal) -> None:
        """Sign, keep and send a finalize vote (rule 7)."""
        message = signed_message(Finalize, self.config.validators.digest, proposal)
        vote = Finalize(proposal, self.config.index, self.config.sign(message))
        view_state.own_finalize = vote
        view_state.finalizes.put(vote, is_verified=True)
        self._cast(view_state, vote)

    def _cast(self, view_state: ViewState, vote: Notarize | Nullify | Finalize) -> None:
        self.emit(Persist(vote, must_sync=True))
        self.emit(Broadcast(vote))
        self.touch(view_state.view)
