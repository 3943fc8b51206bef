"""Signatures: each counts for what it was made for, and for nothing else."""

from dataclasses import replace

import pytest
from ledger_network import (
    CHECKPOINT,
    GENESIS,
    KEYS,
    NETWORK,
    OTHER_NETWORK,
    PROPOSAL,
    at,
    attest,
    finalize,
    notarize,
    nullify,
    quarantine_vote,
    resume_vote,
)

from ledger.bls import BlsVerifier, aggregate, verify_possession
from ledger.crossing import CheckpointCertificate, OperatorVote
from ledger.errors import (
    EvidenceError,
    InvalidSignature,
    InvalidSigners,
    QuorumNotReached,
    SignatureError,
)
from ledger.evidence import (
    ConflictingFinalize,
    ConflictingNotarize,
    Evidence,
    NullifyFinalize,
)
from ledger.hashing import Domain, digest, domain_prefix
from ledger.signers import pack_signers
from ledger.types import BlockNumber, Digest, Ed25519Signature, Epoch, View
from ledger.validators import ValidatorSet
from ledger.votes import (
    Certificate,
    Finalization,
    Finalize,
    Notarization,
    Notarize,
    Nullification,
    Nullify,
    Round,
    Vote,
)

OTHER = replace(PROPOSAL, payload=Digest(b"\x06" * 32))
VOTES: list[Vote] = [notarize(1), finalize(1), nullify(1)]


@pytest.mark.parametrize("vote", VOTES, ids=lambda vote: type(vote).__name__)
def test_a_vote_verifies_in_its_network_only(vote: Vote) -> None:
    NETWORK.verify_vote(vote)
    with pytest.raises(InvalidSignature):
        OTHER_NETWORK.verify_vote(vote)


def test_a_vote_of_one_kind_is_none_of_another() -> None:
    with pytest.raises(InvalidSignature):
        NETWORK.verify_vote(Finalize(PROPOSAL, at(1), notarize(1).signature))
    with pytest.raises(InvalidSignature):
        NETWORK.verify_vote(Notarize(PROPOSAL, at(1), finalize(1).signature))
    subject = Round(PROPOSAL.epoch, PROPOSAL.view)
    for signature in (notarize(1).signature, finalize(1).signature):
        with pytest.raises(InvalidSignature):
            NETWORK.verify_vote(Nullify(subject, at(1), signature))


@pytest.mark.parametrize(
    "changed",
    [
        replace(notarize(1), signer=at(2)),
        replace(notarize(1), proposal=replace(PROPOSAL, view=View(10))),
        replace(notarize(1), proposal=replace(PROPOSAL, parent_view=View(7))),
        replace(notarize(1), proposal=OTHER),
        replace(notarize(1), signature=Ed25519Signature(bytes(64))),
    ],
)
def test_a_vote_with_anything_changed_is_refused(changed: Notarize) -> None:
    with pytest.raises(InvalidSignature):
        NETWORK.verify_vote(changed)


def test_votes_of_strangers_and_other_epochs_are_refused() -> None:
    with pytest.raises(InvalidSigners):
        NETWORK.verify_vote(replace(notarize(1), signer=at(4)))
    with pytest.raises(InvalidSigners):
        NETWORK.verify_vote(replace(notarize(1), proposal=replace(PROPOSAL, epoch=Epoch(3))))


def notarization(*signers: int) -> Notarization:
    return Notarization(
        PROPOSAL,
        pack_signers(at(signer) for signer in signers),
        tuple(notarize(signer).signature for signer in sorted(signers)),
    )


def test_a_certificate_names_its_signers() -> None:
    assert NETWORK.verify_certificate(notarization(0, 1, 3)) == (0, 1, 3)
    assert NETWORK.verify_certificate(notarization(3, 2, 1, 0)) == (0, 1, 2, 3)


def test_a_certificate_needs_a_quorum() -> None:
    with pytest.raises(QuorumNotReached):
        NETWORK.verify_certificate(notarization(0, 1))


@pytest.mark.parametrize(
    "certificate",
    [
        replace(notarization(0, 1, 2), signers=pack_signers([at(0), at(1), at(3)])),
        replace(notarization(0, 1, 2), signatures=notarization(0, 1, 2).signatures[::-1]),
        replace(notarization(0, 1, 2), signatures=notarization(0, 1, 2).signatures[:2]),
        replace(notarization(0, 1, 2), signatures=notarization(0, 1, 2, 3).signatures),
        replace(notarization(0, 1, 2), signatures=(notarize(0).signature,) * 3),
        replace(notarization(0, 1, 2), proposal=OTHER),
        replace(notarization(0, 1, 2), signers=b"\x07\x00"),
        replace(notarization(0, 1, 2), signers=b"\x17"),
        Finalization(PROPOSAL, notarization(0, 1, 2).signers, notarization(0, 1, 2).signatures),
        Nullification(
            Round(PROPOSAL.epoch, PROPOSAL.view),
            notarization(0, 1, 2).signers,
            notarization(0, 1, 2).signatures,
        ),
    ],
)
def test_a_certificate_with_anything_changed_is_refused(certificate: Certificate) -> None:
    with pytest.raises(SignatureError):
        NETWORK.verify_certificate(certificate)


@pytest.mark.parametrize(
    "evidence",
    [
        ConflictingNotarize(notarize(2), notarize(2, OTHER)),
        ConflictingFinalize(finalize(2), finalize(2, OTHER)),
        NullifyFinalize(nullify(2), finalize(2)),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_two_contradicting_votes_convict_their_signer(evidence: Evidence) -> None:
    assert NETWORK.verify_evidence(evidence) == 2
    with pytest.raises(SignatureError):
        OTHER_NETWORK.verify_evidence(evidence)


LATER = replace(OTHER, view=View(10))


@pytest.mark.parametrize(
    "evidence",
    [
        ConflictingNotarize(notarize(2), notarize(2)),
        ConflictingNotarize(notarize(2), notarize(1, OTHER)),
        ConflictingNotarize(notarize(2), notarize(2, LATER)),
        ConflictingFinalize(finalize(2), finalize(2)),
        ConflictingFinalize(finalize(2), finalize(2, LATER)),
        NullifyFinalize(nullify(2, view=8), finalize(2)),
        NullifyFinalize(nullify(1), finalize(2)),
    ],
)
def test_votes_that_an_honest_validator_may_cast_convict_nobody(evidence: Evidence) -> None:
    with pytest.raises(EvidenceError):
        NETWORK.verify_evidence(evidence)


def test_evidence_counts_only_if_its_culprit_signed_both() -> None:
    framed = ConflictingNotarize(notarize(2), replace(notarize(1, OTHER), signer=at(2)))
    with pytest.raises(InvalidSignature):
        NETWORK.verify_evidence(framed)
    # A notarize signature does not pass for the finalize that would contradict a nullify.
    crossed = NullifyFinalize(nullify(2), Finalize(PROPOSAL, at(2), notarize(2).signature))
    with pytest.raises(InvalidSignature):
        NETWORK.verify_evidence(crossed)


@pytest.mark.parametrize("vote", [quarantine_vote(1), resume_vote(1)])
def test_an_operator_vote_verifies_in_its_network_only(vote: OperatorVote) -> None:
    NETWORK.verify_operator_vote(vote)
    with pytest.raises(InvalidSignature):
        OTHER_NETWORK.verify_operator_vote(vote)
    with pytest.raises(InvalidSignature):
        NETWORK.verify_operator_vote(replace(vote, signer=at(2)))
    with pytest.raises(InvalidSignature):
        NETWORK.verify_operator_vote(replace(vote, sequence=1))
    with pytest.raises(InvalidSigners):
        NETWORK.verify_operator_vote(replace(vote, signer=at(7)))
    with pytest.raises(InvalidSigners):
        NETWORK.verify_operator_vote(replace(vote, epoch=Epoch(1)))


def test_operator_votes_bind_their_content() -> None:
    with pytest.raises(InvalidSignature):
        NETWORK.verify_operator_vote(replace(quarantine_vote(1), reason="other"))
    with pytest.raises(InvalidSignature):
        NETWORK.verify_operator_vote(replace(resume_vote(1), checkpoint_number=BlockNumber(4)))
    with pytest.raises(InvalidSignature):
        NETWORK.verify_operator_vote(
            replace(resume_vote(1), signature=quarantine_vote(1).signature)
        )


def certificate_of(*signers: int) -> CheckpointCertificate:
    signature = aggregate([attest(signer).signature for signer in signers])
    return CheckpointCertificate(
        CHECKPOINT, pack_signers(at(signer) for signer in signers), signature
    )


def test_attestations_verify_for_their_signer_and_network_only() -> None:
    NETWORK.verify_attestation(attest(1))
    for wrong in (
        replace(attest(1), signer=at(2)),
        replace(attest(1), checkpoint=replace(CHECKPOINT, next_message_nonce=4)),
        replace(attest(1), signature=attest(2).signature),
    ):
        with pytest.raises(InvalidSignature):
            NETWORK.verify_attestation(wrong)
    with pytest.raises(InvalidSignature):
        OTHER_NETWORK.verify_attestation(attest(1))
    with pytest.raises(InvalidSigners):
        NETWORK.verify_attestation(replace(attest(1), signer=at(4)))


def test_a_checkpoint_certificate_is_the_sum_of_exactly_its_signers() -> None:
    assert NETWORK.verify_checkpoint(certificate_of(0, 2, 3)) == (0, 2, 3)
    assert NETWORK.verify_checkpoint(certificate_of(0, 1, 2, 3)) == (0, 1, 2, 3)
    with pytest.raises(QuorumNotReached):
        NETWORK.verify_checkpoint(certificate_of(0, 1))
    for wrong in (
        replace(certificate_of(0, 1, 2), signers=b"\x0f"),
        replace(certificate_of(0, 1, 2), signers=b"\x0b"),
        replace(certificate_of(0, 1, 2, 3), signers=b"\x07"),
        replace(certificate_of(0, 1, 2), checkpoint=replace(CHECKPOINT, number=BlockNumber(17))),
    ):
        with pytest.raises(InvalidSignature):
            NETWORK.verify_checkpoint(wrong)
    with pytest.raises(InvalidSignature):
        OTHER_NETWORK.verify_checkpoint(certificate_of(0, 1, 2))


def test_a_proof_of_possession_is_no_signature_over_the_key() -> None:
    """The two have different domains, so neither ever passes for the other."""
    key = BlsVerifier(KEYS[0].checkpoint.public_key)
    verify_possession(key, KEYS[0].checkpoint.prove_possession())
    with pytest.raises(InvalidSignature):
        verify_possession(key, KEYS[0].checkpoint.sign(key.public_key))
    with pytest.raises(InvalidSignature):
        verify_possession(key, KEYS[1].checkpoint.prove_possession())


def test_domains_are_no_prefixes_of_each_other() -> None:
    prefixes = [domain_prefix(domain) for domain in Domain]
    for first in prefixes:
        assert sum(second.startswith(first) for second in prefixes) == 1
    assert len({digest(domain, b"same") for domain in Domain}) == len(Domain)


def test_a_set_knows_its_quorum() -> None:
    assert (NETWORK.count, NETWORK.quorum, NETWORK.epoch) == (4, 3, 2)
    alone = ValidatorSet(replace(GENESIS, validators=GENESIS.validators[:1]))
    assert (alone.count, alone.quorum) == (1, 1)
