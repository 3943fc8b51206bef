"""Epochs: how the validators agree on the set that follows theirs, and when it takes over.

    open --(a quorum of the epoch's set votes for it)--> decided
    decided --(the block before ``first_height`` is final)--> the next epoch

A change is proposed by one validator, in full; the others vote for its digest. Who votes
for several is counted for all of them, and the first with a quorum wins: then the others
are void. Votes count up to the last block but one of the epoch, so that the last one can
name the digest of the next set in its header. An open change whose time passes lapses.

The last block of an epoch has no child in its epoch: its state has the next epoch, and a
block has to be of its parent's epoch. Until it is final, leaders propose it again
(:func:`is_last_of_epoch`), so that there is nothing that the next epoch has to take back.

What was agreed by validators is carried over by their keys, not by their numbers:
convictions, and votes for a quarantine. Votes to resume are void, since a quorum of
operators has to look again.
"""

from dataclasses import replace
from typing import Final

from bridge.errors import (
    AlreadyProposed,
    ChangeDecided,
    DuplicateVote,
    InvalidOperatorVote,
    InvalidSetChange,
    UnknownChange,
    WrongNotice,
)
from bridge.quarantine import carry_votes
from bridge.state import BridgeState, Membership, OpenChange
from ledger.block import SealedBlock
from ledger.errors import MembershipError, SignatureError
from ledger.membership import (
    Member,
    MembershipVote,
    SetChangeProposal,
    change_digest,
    changed_members,
    check_change,
    members_digest,
    voted_change,
)
from ledger.types import ZERO_DIGEST, Digest, Epoch, Height, ValidatorIndex, quorum
from ledger.validators import ValidatorSet

MIN_NOTICE_BLOCKS: Final = 16
MAX_NOTICE_BLOCKS: Final = 32_768
"""From the block that proposes a change to the first block of the new epoch."""


class ValidatorSets:
    """The set that judges the block after a state; made once for each epoch.

    Parameters
    ----------
    first
        The set of the genesis.
    """

    def __init__(self, first: ValidatorSet) -> None:
        self._latest = first

    def after(self, state: BridgeState) -> ValidatorSet:
        """The set of the epoch that a state is in."""
        membership, latest = state.membership, self._latest
        is_latest = membership.epoch == latest.epoch and membership.members == latest.members
        if not is_latest:
            self._latest = ValidatorSet.of_epoch(
                latest.digest, membership.epoch, membership.members
            )
        return self._latest


def is_last_of_epoch(sealed: SealedBlock) -> bool:
    """Whether a valid block ends its epoch: what follows it is itself, until it is final."""
    return sealed.header.ends_epoch


def accept_membership_vote(
    state: BridgeState, vote: MembershipVote, validators: ValidatorSet, carrier_height: Height
) -> BridgeState:
    """The state with one more vote on a change of the set.

    Parameters
    ----------
    carrier_height
        Height of the block that carries the vote.

    Raises
    ------
    OperatorVoteRejected
        One of its subclasses, if the vote does not count.
    """
    if state.membership.decided:
        raise ChangeDecided(f"epoch {state.membership.epoch} ends with another change")
    if isinstance(vote, SetChangeProposal):
        changed = _propose(state.membership, vote, validators, carrier_height)
    else:
        changed = _support(state.membership, vote, validators, carrier_height)
    voted = next(
        entry for entry in changed.open_changes if change_digest(entry.change) == voted_change(vote)
    )
    if len(voted.votes) >= validators.quorum:
        changed = replace(changed, open_changes=(), decided=(voted.change,))
    return replace(state, membership=changed)


def _propose(
    membership: Membership,
    proposal: SetChangeProposal,
    validators: ValidatorSet,
    carrier_height: Height,
) -> Membership:
    change, proposer = proposal.change, proposal.signer
    for entry in membership.open_changes:
        if entry.proposer == proposer or entry.change == change:
            raise AlreadyProposed(
                f"validator {entry.proposer} has a change open that begins at height "
                f"{entry.change.first_height}"
            )
    notice = change.first_height - carrier_height
    if not MIN_NOTICE_BLOCKS <= notice <= MAX_NOTICE_BLOCKS:
        raise WrongNotice(
            f"begins at height {change.first_height}, {notice} blocks after its proposal, "
            f"expected {MIN_NOTICE_BLOCKS} to {MAX_NOTICE_BLOCKS}"
        )
    _verify(proposal, validators)
    try:
        check_change(validators.digest, membership.members, change)
    except MembershipError as error:
        raise InvalidSetChange(str(error)) from error
    opened = OpenChange(change, proposer, (proposer,))
    return replace(membership, open_changes=(*membership.open_changes, opened))


def _support(
    membership: Membership, vote: MembershipVote, validators: ValidatorSet, carrier_height: Height
) -> Membership:
    wanted = voted_change(vote)
    entries = list(membership.open_changes)
    for place, entry in enumerate(entries):
        if change_digest(entry.change) != wanted or not _is_in_time(entry, carrier_height):
            continue
        if vote.signer in entry.votes:
            raise DuplicateVote(f"validator {vote.signer} has voted for {wanted.hex()[:16]}")
        _verify(vote, validators)
        votes = tuple(sorted((*entry.votes, vote.signer)))
        entries[place] = replace(entry, votes=votes)
        return replace(membership, open_changes=tuple(entries))
    raise UnknownChange(f"no change {wanted.hex()[:16]} is open at height {carrier_height}")


def _verify(vote: MembershipVote, validators: ValidatorSet) -> None:
    try:
        validators.verify_operator_vote(vote)
    except SignatureError as error:
        raise InvalidOperatorVote(str(error)) from error


def _is_in_time(entry: OpenChange, carrier_height: int) -> bool:
    """Whether a vote in a block of this height may still decide."""
    return carrier_height + 1 < entry.change.first_height


def next_members(state: BridgeState, height: Height) -> tuple[Member, ...] | None:
    """The set of the next epoch, if the block at ``height`` is the last of its epoch.

    Parameters
    ----------
    state
        With the block's votes, or before it: votes in the last block decide nothing.
    """
    for change in state.membership.decided:
        if height + 1 == change.first_height:
            return changed_members(state.membership.members, change)
    return None


def expected_next_members(state: BridgeState, height: Height) -> Digest:
    """What the header of the block at ``height`` has to have as ``next_members``."""
    members = next_members(state, height)
    if members is None:
        return ZERO_DIGEST
    return members_digest(Epoch(state.membership.epoch + 1), members)


def settle_membership(state: BridgeState, height: Height) -> BridgeState:
    """The state after the block at ``height``: lapsed changes are gone, the epoch has ended."""
    membership = state.membership
    members = next_members(state, height)
    if members is not None:
        return _begin_epoch(state, members, height)
    still_open = tuple(entry for entry in membership.open_changes if _is_in_time(entry, height + 1))
    if len(still_open) == len(membership.open_changes):
        return state
    return replace(state, membership=replace(membership, open_changes=still_open))


def _begin_epoch(state: BridgeState, members: tuple[Member, ...], height: Height) -> BridgeState:
    renumbered = _renumbered(state.membership.members, members)
    convicted = tuple(sorted(_carried(state.convicted, renumbered)))
    state = carry_votes(
        state, _carried(state.quarantine.votes, renumbered), quorum(len(members)), height
    )
    membership = Membership(Epoch(state.membership.epoch + 1), members, (), ())
    return replace(state, convicted=convicted, membership=membership)


def _renumbered(
    old: tuple[Member, ...], new: tuple[Member, ...]
) -> dict[ValidatorIndex, ValidatorIndex]:
    """Old number to new number of those who stay with their consensus key."""
    places = {member.entry.consensus_key: index for index, member in enumerate(new)}
    return {
        ValidatorIndex(index): ValidatorIndex(places[member.entry.consensus_key])
        for index, member in enumerate(old)
        if member.entry.consensus_key in places
    }


def _carried(
    validators: tuple[ValidatorIndex, ...], renumbered: dict[ValidatorIndex, ValidatorIndex]
) -> tuple[ValidatorIndex, ...]:
    return tuple(renumbered[index] for index in validators if index in renumbered)
