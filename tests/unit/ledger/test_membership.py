"""Changes of the validator set, and the chain of certificates from the genesis to any set."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from ledger_network import GENESIS, KEYS, NETWORK, at

from ledger.block import BlockHeader, header_digest
from ledger.epochs import EpochChange, follow_epochs
from ledger.errors import EpochChainError, MembershipError
from ledger.keys import ValidatorKeys
from ledger.membership import (
    Member,
    Newcomer,
    Replacement,
    ValidatorSetChange,
    changed_members,
    check_change,
    members_digest,
)
from ledger.signers import pack_signers
from ledger.types import (
    BlockNumber,
    ChainRole,
    Digest,
    Ed25519Signature,
    Epoch,
    Height,
    TimestampMs,
    View,
    max_faulty,
    quorum,
)
from ledger.validators import ValidatorSet
from ledger.votes import Finalization, Finalize, Proposal, signed_message

SPARE = tuple(ValidatorKeys(bytes([100 + number]) * 32) for number in range(8))
MEMBERS = NETWORK.members


def newcomer(number: int, address: str = "host.example:4000") -> Newcomer:
    return SPARE[number].newcomer(NETWORK.digest, f"new {number}", address)


def members_of(count: int) -> tuple[Member, ...]:
    keys = (ValidatorKeys(bytes([number + 1]) * 32) for number in range(count))
    return tuple(Member(entry.genesis_entry(f"v{at}"), "") for at, entry in enumerate(keys))


def change(
    removed: tuple[int, ...] = (), replaced: tuple[int, ...] = (), added: int = 0
) -> ValidatorSetChange:
    """A change with real newcomers."""
    replacements = tuple(
        Replacement(at(place), newcomer(number)) for number, place in enumerate(replaced)
    )
    newcomers = tuple(newcomer(len(replaced) + number) for number in range(added))
    return ValidatorSetChange(
        Epoch(2), Height(100), tuple(map(at, removed)), replacements, newcomers
    )


# CHANGES


def test_keys_are_replaced_in_their_place():
    wanted = change(replaced=(1,))
    check_change(NETWORK.digest, MEMBERS, wanted)
    assert changed_members(MEMBERS, wanted) == (
        MEMBERS[0],
        newcomer(0).member,
        MEMBERS[2],
        MEMBERS[3],
    )


def test_those_behind_a_removed_validator_move_up_and_who_is_added_comes_last():
    members = members_of(7)
    wanted = change(removed=(2,), added=1)
    check_change(NETWORK.digest, members, wanted)
    assert changed_members(members, wanted) == (
        *members[:2],
        *members[3:],
        newcomer(0).member,
    )


@pytest.mark.parametrize("count", range(3, 11))
def test_a_set_grows_one_by_one(count):
    check_change(NETWORK.digest, members_of(count), change(added=1))


@pytest.mark.parametrize("count", range(4, 14))
@pytest.mark.parametrize(
    ("removed", "replaced", "added"), [(1, 0, 0), (0, 1, 0), (1, 1, 1), (2, 0, 2)]
)
def test_those_who_stay_are_a_quorum_of_both_sets(count, removed, replaced, added):
    members = members_of(count)
    wanted = change(tuple(range(removed)), tuple(range(removed, removed + replaced)), added)
    new_count = count - removed + added
    staying = count - removed - replaced
    is_allowed = new_count >= 4 and staying >= quorum(count) and staying >= quorum(new_count)
    if is_allowed:
        check_change(NETWORK.digest, members, wanted)
        assert removed + replaced <= max_faulty(count)
        assert replaced + added <= max_faulty(new_count)
        return
    with pytest.raises(MembershipError):
        check_change(NETWORK.digest, members, wanted)


def with_newcomer(**fields: object) -> ValidatorSetChange:
    return replace(change(), added=(replace(newcomer(0), **fields),))


def with_entry(**fields: object) -> ValidatorSetChange:
    member = newcomer(0).member
    return with_newcomer(member=replace(member, entry=replace(member.entry, **fields)))


REFUSED: dict[str, tuple[Callable[[], ValidatorSetChange], str]] = {
    "no change": (change, "nothing changes"),
    "a validator that does not exist": (lambda: change(replaced=(4,)), "no validator 4"),
    "another one that does not exist": (lambda: change(removed=(9,), added=1), "no validator 9"),
    "a validator both removed and replaced": (
        lambda: change(removed=(1,), replaced=(1,)),
        "twice",
    ),
    "an order that is not the only one": (lambda: change(replaced=(2, 1)), "ascending"),
    "too few after it": (lambda: change(removed=(1,)), "3 validators after it"),
    "more than f at once": (lambda: change(replaced=(0, 1)), "2 validators stay"),
    "more newcomers than f": (lambda: change(added=2), "4 validators stay"),
    "a consensus key twice": (
        lambda: with_entry(consensus_key=MEMBERS[1].entry.consensus_key),
        "share one consensus_key",
    ),
    "a network key twice": (
        lambda: with_entry(network_key=MEMBERS[1].entry.network_key),
        "share one network_key",
    ),
    "a checkpoint key twice": (
        lambda: with_entry(checkpoint_key=MEMBERS[1].entry.checkpoint_key),
        "share one checkpoint_key",
    ),
    "another's proof of the BLS key": (
        lambda: with_entry(possession_proof=MEMBERS[1].entry.possession_proof),
        "validator new 0",
    ),
    "no proof of the consensus key": (
        lambda: with_newcomer(consensus_proof=Ed25519Signature(bytes(64))),
        "validator new 0",
    ),
    "no proof of the network key": (
        lambda: with_newcomer(network_proof=newcomer(0).consensus_proof),
        "validator new 0",
    ),
    "proofs of another address": (
        lambda: with_newcomer(member=newcomer(0, "elsewhere:1").member),
        "validator new 0",
    ),
    "proofs for another network": (
        lambda: replace(change(), added=(SPARE[0].newcomer(Digest(bytes(32)), "new 0", "a:1"),)),
        "validator new 0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_change_that_cannot_be_made_says_what_to_change(name):
    make, message = REFUSED[name]
    check_change(NETWORK.digest, MEMBERS, change(added=1))
    with pytest.raises(MembershipError, match=message):
        check_change(NETWORK.digest, MEMBERS, make())


@pytest.mark.parametrize(
    "address", ["", "host", "host:", ":4000", "host:0", "host:65536", "a b:1", "host:٣"]
)
def test_an_address_that_is_none_is_refused(address):
    wanted = replace(change(), added=(newcomer(0, address),))
    with pytest.raises(MembershipError, match="host:port"):
        check_change(NETWORK.digest, MEMBERS, wanted)


@pytest.mark.parametrize("address", ["host:1", "10.0.0.1:65535", "::1:4000"])
def test_an_address_is_accepted(address):
    check_change(NETWORK.digest, MEMBERS, replace(change(), added=(newcomer(0, address),)))


# THE CHAIN OF EPOCHS


def epoch_change(
    epoch: int,
    members: tuple[Member, ...],
    keys: tuple[ValidatorKeys, ...],
    signers: tuple[int, ...] = (0, 1, 2),
    **header_fields: object,
) -> EpochChange:
    """The end of an epoch, signed by some of its validators."""
    header = BlockHeader(
        epoch=Epoch(epoch),
        view=View(9),
        height=Height(99),
        parent=Digest(bytes(32)),
        chain=ChainRole.FAST,
        chain_block_number=BlockNumber(5),
        timestamp_ms=TimestampMs(5),
        proposer=at(0),
        body=Digest(bytes(32)),
        next_members=members_digest(Epoch(epoch + 1), members),
    )
    header = replace(header, **header_fields)
    subject = Proposal(Epoch(epoch), View(9), View(8), header_digest(header))
    message = signed_message(Finalize, NETWORK.digest, subject)
    signatures = tuple(keys[signer].consensus.sign(message) for signer in signers)
    certificate = Finalization(subject, pack_signers(map(at, signers)), signatures)
    return EpochChange(header, certificate, members)


def replaced(
    members: tuple[Member, ...], keys: tuple[ValidatorKeys, ...], place: int, number: int
) -> tuple[tuple[Member, ...], tuple[ValidatorKeys, ...]]:
    """Set and keys after one validator has got the spare keys of this number."""
    new_members, new_keys = list(members), list(keys)
    new_members[place], new_keys[place] = newcomer(number).member, SPARE[number]
    return tuple(new_members), tuple(new_keys)


def chain_of(length: int) -> list[EpochChange]:
    """A chain in which all four validators are replaced, one in each epoch, round and round."""
    members, keys = MEMBERS, KEYS
    changes = []
    for step in range(length):
        following, following_keys = replaced(members, keys, step % 4, step)
        changes.append(epoch_change(2 + step, following, keys))
        members, keys = following, following_keys
    return changes


@pytest.mark.parametrize("length", [0, 1, 5])
def test_the_set_of_any_epoch_follows_from_the_genesis(length):
    changes = chain_of(length)
    found = follow_epochs(GENESIS, changes)
    assert found.epoch == 2 + length
    assert found.members == (changes[-1].members if changes else MEMBERS)
    assert found.digest == NETWORK.digest


def _without_first(changes: list[EpochChange]) -> list[EpochChange]:
    return changes[1:]


def _in_another_order(changes: list[EpochChange]) -> list[EpochChange]:
    return [changes[1], changes[0], *changes[2:]]


def _with_another_set(changes: list[EpochChange]) -> list[EpochChange]:
    return [replace(changes[0], members=MEMBERS), *changes[1:]]


def _with_the_certificate_of_another_block(changes: list[EpochChange]) -> list[EpochChange]:
    other = epoch_change(2, changes[0].members, KEYS, height=Height(98))
    return [replace(changes[0], certificate=other.certificate), *changes[1:]]


def _signed_by_the_next_set(changes: list[EpochChange]) -> list[EpochChange]:
    _, keys = replaced(MEMBERS, KEYS, 0, 0)
    return [epoch_change(2, changes[0].members, keys), *changes[1:]]


def _signed_by_an_earlier_set(changes: list[EpochChange]) -> list[EpochChange]:
    return [changes[0], epoch_change(3, changes[1].members, KEYS)]


def _short_of_a_quorum(changes: list[EpochChange]) -> list[EpochChange]:
    return [epoch_change(2, changes[0].members, KEYS, signers=(0, 1)), *changes[1:]]


def _in_the_middle_of_an_epoch(changes: list[EpochChange]) -> list[EpochChange]:
    return [epoch_change(2, changes[0].members, KEYS, next_members=Digest(bytes(32)))]


def _of_another_network(changes: list[EpochChange]) -> list[EpochChange]:
    certificate = changes[0].certificate
    message = signed_message(Finalize, Digest(bytes(32)), certificate.proposal)
    signatures = tuple(KEYS[signer].consensus.sign(message) for signer in range(3))
    return [replace(changes[0], certificate=replace(certificate, signatures=signatures))]


@pytest.mark.parametrize(
    "attack",
    [
        _without_first,
        _in_another_order,
        _with_another_set,
        _with_the_certificate_of_another_block,
        _signed_by_the_next_set,
        _signed_by_an_earlier_set,
        _short_of_a_quorum,
        _in_the_middle_of_an_epoch,
        _of_another_network,
    ],
)
def test_a_chain_that_does_not_prove_itself_is_refused(attack):
    follow_epochs(GENESIS, chain_of(2))
    with pytest.raises(EpochChainError):
        follow_epochs(GENESIS, attack(chain_of(2)))


def test_a_set_of_a_later_epoch_refuses_votes_of_an_earlier_one():
    following = follow_epochs(GENESIS, chain_of(1))
    assert following.index_of(SPARE[0].consensus.public_key) == 0
    assert following.index_of(KEYS[0].consensus.public_key) is None
    assert ValidatorSet(GENESIS).index_of(KEYS[0].consensus.public_key) == 0
