"""Bitmaps, trees and operator votes over generated values."""

from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_network import NETWORK

from ledger.crossing import QuarantineVote, ResumeVote, operator_vote_message
from ledger.errors import MerkleError
from ledger.merkle import merkle_root, prove, verify
from ledger.signers import pack_signers, unpack_signers
from ledger.types import BlockNumber, Ed25519Signature, Epoch, EvmHash, ValidatorIndex

signer_sets = st.frozensets(st.integers(0, 255).map(ValidatorIndex))
NO_SIGNATURE = Ed25519Signature(bytes(64))


@given(signer_sets)
def test_a_bitmap_is_its_set(signers: frozenset[ValidatorIndex]) -> None:
    assert unpack_signers(pack_signers(signers), 256) == tuple(sorted(signers))


@given(signer_sets, signer_sets)
def test_two_sets_have_two_bitmaps(
    first: frozenset[ValidatorIndex], second: frozenset[ValidatorIndex]
) -> None:
    assert (pack_signers(first) == pack_signers(second)) == (first == second)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40), st.data())
def test_a_proof_shows_its_own_leaf_only(leaves: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.binary(max_size=40))
    root, proof = merkle_root(leaves), prove(leaves, place)
    verify(root, leaves[place], proof)
    try:
        verify(root, other, proof)
    except MerkleError:
        assert other != leaves[place]
    else:
        assert other == leaves[place]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20), st.lists(st.binary(max_size=40), max_size=20))
def test_two_lists_have_two_roots(first: list[bytes], second: list[bytes]) -> None:
    assert (merkle_root(first) == merkle_root(second)) == (first == second)


uint64 = st.integers(0, (1 << 63) - 1)
quarantine_votes = st.builds(
    QuarantineVote,
    uint64.map(Epoch),
    uint64,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=16),
    st.just(ValidatorIndex(0)),
    st.just(NO_SIGNATURE),
)
resume_votes = st.builds(
    ResumeVote,
    uint64.map(Epoch),
    uint64,
    uint64.map(BlockNumber),
    st.binary(min_size=32, max_size=32).map(EvmHash),
    st.just(ValidatorIndex(0)),
    st.just(NO_SIGNATURE),
)
operator_votes = st.one_of(quarantine_votes, resume_votes)


@given(operator_votes, operator_votes)
def test_two_operator_votes_never_sign_the_same_bytes(
    first: QuarantineVote | ResumeVote, second: QuarantineVote | ResumeVote
) -> None:
    messages = [operator_vote_message(NETWORK.digest, vote) for vote in (first, second)]
    assert (messages[0] == messages[1]) == (first == second)
