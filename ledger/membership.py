"""Changes of the validator set: who joins, who leaves, whose keys are replaced, and when.

A change ends an epoch. Everything that is signed names its epoch, so no vote of one set
counts in another. How many may change at once:

- at least four validators stay, so that the network tolerates one faulty;
- those who stay are a quorum of the old set and of the new one. Of the old one, so that
  among them are honest ones who hold everything that the old set has finalized; of the
  new one, so that it goes on while the newcomers still fetch the ledger.

The second bound is also what the contract on L1 needs: those who stay can sign for both.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from ledger.bls import BlsVerifier, verify_possession
from ledger.bounds import AtMost
from ledger.codec import encode, wire
from ledger.ed25519 import Ed25519Verifier
from ledger.errors import MembershipError, SignatureError
from ledger.genesis import Genesis, GenesisValidator
from ledger.hashing import Domain, digest, domain_prefix
from ledger.types import (
    MAX_VALIDATORS,
    Digest,
    DigestField,
    Ed25519SignatureField,
    Epoch,
    EpochField,
    HeightField,
    ValidatorIndex,
    ValidatorIndexField,
    quorum,
)

MIN_VALIDATORS: Final = 4
MAX_NEWCOMERS_PER_CHANGE: Final = 16
MAX_ADDRESS_BYTES: Final = 256
MAX_PORT: Final = 65_535


@wire(13)
class Member:
    """One validator of an epoch.

    ``address`` is where its libp2p host listens, as ``host:port``; empty for those of
    the genesis, whose addresses each operator configures.
    """

    entry: GenesisValidator
    address: Annotated[str, AtMost(MAX_ADDRESS_BYTES)]


@wire(14)
class Newcomer:
    """A member whose keys are new to the set, with proofs that somebody holds the two Ed25519 keys.

    The proof of the BLS key is part of the entry, as in a genesis.
    """

    member: Member
    consensus_proof: Ed25519SignatureField
    network_proof: Ed25519SignatureField


@wire(15)
class Replacement:
    """A newcomer in the place of a validator; with all keys changed, or some."""

    index: ValidatorIndexField
    newcomer: Newcomer


@wire(16)
class ValidatorSetChange:
    """What makes the set of one epoch that of the next.

    ``epoch`` is the one that ends; the next one's first block has the height
    ``first_height``. Those behind a removed validator move up, and who is added comes last.
    """

    epoch: EpochField
    first_height: HeightField
    removed: Annotated[tuple[ValidatorIndexField, ...], AtMost(MAX_VALIDATORS)]
    replaced: Annotated[tuple[Replacement, ...], AtMost(MAX_NEWCOMERS_PER_CHANGE)]
    added: Annotated[tuple[Newcomer, ...], AtMost(MAX_NEWCOMERS_PER_CHANGE)]

    @property
    def newcomers(self) -> tuple[Newcomer, ...]:
        """All whose keys are new."""
        return (*(replacement.newcomer for replacement in self.replaced), *self.added)


@wire(17)
class EpochMembers:
    """The set of one epoch: what the last block of the epoch before names the digest of."""

    epoch: EpochField
    members: Annotated[tuple[Member, ...], AtMost(MAX_VALIDATORS)]


@wire(37)
class SetChangeProposal:
    """A validator puts a change to the vote, and votes for it."""

    change: ValidatorSetChange
    signer: ValidatorIndexField
    signature: Ed25519SignatureField

    @property
    def epoch(self) -> Epoch:
        """Epoch of the signer."""
        return self.change.epoch


@wire(38)
class SetChangeVote:
    """A validator's vote for a change that is on the ledger; ``change`` is its digest."""

    epoch: EpochField
    change: DigestField
    signer: ValidatorIndexField
    signature: Ed25519SignatureField


MembershipVote = SetChangeProposal | SetChangeVote


def genesis_members(genesis: Genesis) -> tuple[Member, ...]:
    """The set of the first epoch."""
    return tuple(Member(entry, "") for entry in genesis.validators)


def members_digest(epoch: Epoch, members: tuple[Member, ...]) -> Digest:
    """Digest of an epoch's set, as the last block before it names it."""
    return digest(Domain.VALIDATOR_SET, encode(EpochMembers(epoch, members)))


def change_digest(change: ValidatorSetChange) -> Digest:
    """Digest of a change, as votes name it."""
    return digest(Domain.SET_CHANGE, encode(change))


def voted_change(vote: MembershipVote) -> Digest:
    """Digest of the change that a vote is for."""
    return change_digest(vote.change) if isinstance(vote, SetChangeProposal) else vote.change


def newcomer_message(network: Digest, member: Member) -> bytes:
    """The bytes that the two Ed25519 keys of a newcomer sign.

    Parameters
    ----------
    network
        Digest of the genesis.
    """
    return domain_prefix(Domain.NEWCOMER) + network + encode(member)


def membership_vote_message(network: Digest, vote: MembershipVote) -> bytes:
    """The bytes that a proposal or a vote signs: the same, since a proposal is a vote."""
    epoch = vote.epoch.to_bytes(8, "big")
    return domain_prefix(Domain.SET_CHANGE_VOTE) + network + epoch + voted_change(vote)


def changed_members(members: tuple[Member, ...], change: ValidatorSetChange) -> tuple[Member, ...]:
    """The set after a change that :func:`check_change` accepts."""
    replaced = {entry.index: entry.newcomer.member for entry in change.replaced}
    removed = set(change.removed)
    kept = (
        replaced.get(ValidatorIndex(index), member)
        for index, member in enumerate(members)
        if index not in removed
    )
    return (*kept, *(newcomer.member for newcomer in change.added))


def check_change(network: Digest, members: tuple[Member, ...], change: ValidatorSetChange) -> None:
    """Check that a change of a set keeps to the bounds, and all proofs in it.

    About 3 ms for each newcomer.

    Raises
    ------
    MembershipError
        Saying what to change in it.
    """
    _check_shape(len(members), change)
    _check_sizes(len(members), change)
    changed = changed_members(members, change)
    for attribute in ("consensus_key", "network_key", "checkpoint_key"):
        keys = [getattr(member.entry, attribute) for member in changed]
        if len(set(keys)) != len(keys):
            raise MembershipError(f"two validators would share one {attribute}")
    for newcomer in change.newcomers:
        _check_newcomer(network, newcomer)


def _check_shape(count: int, change: ValidatorSetChange) -> None:
    touched = [*change.removed, *(replacement.index for replacement in change.replaced)]
    for index in touched:
        if index >= count:
            raise MembershipError(f"no validator {index} among {count}")
    if len(set(touched)) != len(touched):
        raise MembershipError("a validator is removed or replaced twice")
    is_ascending = list(change.removed) == sorted(change.removed) and _indices(
        change.replaced
    ) == sorted(_indices(change.replaced))
    if not is_ascending:
        raise MembershipError("removed and replaced validators have to be in ascending order")
    if not touched and not change.added:
        raise MembershipError("nothing changes")


def _indices(replaced: Sequence[Replacement]) -> list[int]:
    return [replacement.index for replacement in replaced]


def _check_sizes(count: int, change: ValidatorSetChange) -> None:
    new_count = count - len(change.removed) + len(change.added)
    if not MIN_VALIDATORS <= new_count <= MAX_VALIDATORS:
        raise MembershipError(
            f"{new_count} validators after it, expected {MIN_VALIDATORS} to {MAX_VALIDATORS}"
        )
    staying = count - len(change.removed) - len(change.replaced)
    needed = max(quorum(count), quorum(new_count))
    if staying < needed:
        raise MembershipError(
            f"{staying} validators stay with their keys, expected at least {needed}: a quorum of "
            f"the {count} of now and of the {new_count} after it; change fewer at once"
        )


def _check_newcomer(network: Digest, newcomer: Newcomer) -> None:
    member, entry = newcomer.member, newcomer.member.entry
    _check_address(entry.name, member.address)
    message = newcomer_message(network, member)
    try:
        verify_possession(BlsVerifier(entry.checkpoint_key), entry.possession_proof)
        Ed25519Verifier(entry.consensus_key).verify(message, newcomer.consensus_proof)
        Ed25519Verifier(entry.network_key).verify(message, newcomer.network_proof)
    except SignatureError as error:
        raise MembershipError(f"validator {entry.name}: {error}") from error


def _check_address(name: str, address: str) -> None:
    host, separator, port = address.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port) <= MAX_PORT
    is_address = bool(host) and separator == ":" and host.isprintable() and " " not in host
    if not is_address or not is_port:
        raise MembershipError(f"validator {name}: its address has to be host:port, got {address!r}")
