"""What the ledger itself has to agree on: evidence, and the operators' votes.

They vote on quarantines of the fast chain and on changes of the validator set.
"""

from dataclasses import replace
from typing import Final, TypeVar

from actors.validator.operator_votes import VoteShelf
from bridge.membership import MIN_NOTICE_BLOCKS, accept_membership_vote
from bridge.state import BridgeState
from ledger.crossing import (
    FastChainVote,
    OperatorVote,
    QuarantineVote,
    ResumeVote,
    operator_vote_message,
)
from ledger.evidence import Evidence, culprit_of
from ledger.keys import ValidatorKeys
from ledger.membership import (
    MembershipVote,
    SetChangeProposal,
    SetChangeVote,
    ValidatorSetChange,
    change_digest,
)
from ledger.types import (
    NO_VALIDATOR,
    BlockNumber,
    Digest,
    Ed25519Signature,
    Epoch,
    EvmHash,
    Height,
    ValidatorIndex,
)
from ledger.validators import ValidatorSet

MAX_EVIDENCE: Final = 64
MAX_REASON_BYTES: Final = 64
VoteT = TypeVar("VoteT", bound=OperatorVote)
_UNSIGNED: Final = Ed25519Signature(bytes(64))


class OperatorDesk:
    """Evidence and own operator votes that wait for a block.

    A node's own votes wait for a view in which it leads; every validator leads in
    its turn, so no gossip is needed. They are on the disk before they are in a block, and
    wait there also over a restart. In a new epoch, votes on a quarantine are signed again;
    those on the set of the epoch before are of no use any more.
    """

    def __init__(
        self,
        index: ValidatorIndex,
        keys: ValidatorKeys,
        epoch: Epoch,
        genesis: Digest,
        shelf: VoteShelf,
    ) -> None:
        self._index = index
        self._keys = keys
        self._epoch = epoch
        self._genesis = genesis
        self._evidence: dict[ValidatorIndex, Evidence] = {}
        self._shelf = shelf
        self._votes: list[OperatorVote] = []
        for vote in shelf.load():
            self._take_up(vote)

    def evidence(self) -> list[Evidence]:
        """Evidence that the final ledger lacks."""
        return list(self._evidence.values())

    def votes(self) -> list[OperatorVote]:
        """Own votes that the final ledger lacks."""
        return list(self._votes)

    def add_evidence(self, evidence: Evidence) -> None:
        """Keep evidence; one piece convicts, so one for each validator suffices."""
        if len(self._evidence) < MAX_EVIDENCE:
            self._evidence.setdefault(culprit_of(evidence), evidence)

    def vote_quarantine(self, state: BridgeState, reason: str) -> None:
        """Vote to cut the fast chain off; a second vote about one quarantine would not count."""
        is_cast = any(
            isinstance(vote, QuarantineVote) and vote.sequence == state.quarantine.sequence
            for vote in self._votes
        )
        if is_cast or self._index in state.quarantine.votes:
            return
        short = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        vote = QuarantineVote(self._epoch, state.quarantine.sequence, short, self._index, _UNSIGNED)
        self._add(vote)

    def vote_resume(self, state: BridgeState, number: BlockNumber, state_root: EvmHash) -> None:
        """Vote to end the quarantine by a replay from a certified checkpoint."""
        vote = ResumeVote(
            self._epoch, state.quarantine.sequence, number, state_root, self._index, _UNSIGNED
        )
        self._add(vote)

    def propose_change(
        self, state: BridgeState, change: ValidatorSetChange, validators: ValidatorSet
    ) -> None:
        """Put a change of the validator set to the vote, and vote for it.

        Raises
        ------
        OperatorVoteRejected
            If the ledger would not take it now.
        """
        unsigned = SetChangeProposal(change, self._index, _UNSIGNED)
        self._add_if_valid(state, unsigned, validators)

    def vote_change(self, state: BridgeState, change: Digest, validators: ValidatorSet) -> None:
        """Vote for a change of the validator set that is on the ledger.

        Raises
        ------
        OperatorVoteRejected
            If the ledger would not take the vote now.
        """
        unsigned = SetChangeVote(self._epoch, change, self._index, _UNSIGNED)
        self._add_if_valid(state, unsigned, validators)

    def settle(self, state: BridgeState) -> None:
        """Forget what the final ledger holds or has no use for any more."""
        for culprit in state.convicted:
            self._evidence.pop(culprit, None)
        outdated = [vote for vote in self._votes if not self._is_wanted(state, vote)]
        self._votes = [vote for vote in self._votes if vote not in outdated]
        self._shelf.forget(outdated)

    def _take_up(self, vote: OperatorVote) -> None:
        """Go on with a vote from the disk."""
        if vote.epoch == self._epoch:
            self._votes.append(vote)
            return
        self._shelf.forget([vote])
        if isinstance(vote, (QuarantineVote, ResumeVote)) and self._index != NO_VALIDATOR:
            self._add(replace(vote, epoch=self._epoch, signer=self._index))

    def _add_if_valid(
        self, state: BridgeState, unsigned: MembershipVote, validators: ValidatorSet
    ) -> None:
        next_height = Height(state.height + 1)
        accept_membership_vote(state, self._sign(unsigned), validators, next_height)
        self._add(unsigned)

    def _add(self, vote: OperatorVote) -> None:
        """Keep a vote until it is on the ledger; the signature is the same each time."""
        signed = self._sign(vote)
        if signed not in self._votes:
            self._shelf.keep(signed)
            self._votes.append(signed)

    def _is_wanted(self, state: BridgeState, vote: OperatorVote) -> bool:
        if vote.epoch != state.membership.epoch:
            return False
        if isinstance(vote, SetChangeProposal):
            return self._is_proposal_wanted(state, vote)
        if isinstance(vote, SetChangeVote):
            return any(
                change_digest(entry.change) == vote.change and self._index not in entry.votes
                for entry in state.membership.open_changes
            )
        quarantine = state.quarantine
        return (
            vote.sequence == quarantine.sequence
            and isinstance(vote, ResumeVote) == quarantine.is_active
            and not self._is_counted(state, vote)
        )

    def _is_proposal_wanted(self, state: BridgeState, proposal: SetChangeProposal) -> bool:
        membership = state.membership
        is_open = any(entry.proposer == self._index for entry in membership.open_changes)
        notice = proposal.change.first_height - (state.height + 1)
        return not membership.decided and not is_open and notice >= MIN_NOTICE_BLOCKS

    def _is_counted(self, state: BridgeState, vote: FastChainVote) -> bool:
        if isinstance(vote, QuarantineVote):
            return self._index in state.quarantine.votes
        return any(
            counted.signer == self._index
            and counted.checkpoint_number == vote.checkpoint_number
            and counted.checkpoint_state_root == vote.checkpoint_state_root
            for counted in state.quarantine.resume_votes
        )

    def _sign(self, vote: VoteT) -> VoteT:
        message = operator_vote_message(self._genesis, vote)
        return replace(vote, signature=self._keys.consensus.sign(message))
