"""The validator set of an epoch, and the checks that need its keys."""

from ledger.bls import BlsVerifier, verify_aggregate
from ledger.crossing import (
    Attestation,
    CheckpointCertificate,
    OperatorVote,
    checkpoint_message,
    operator_vote_message,
)
from ledger.ed25519 import Ed25519Verifier
from ledger.errors import InvalidSigners
from ledger.evidence import Evidence, culprit_of, votes_of
from ledger.genesis import Genesis, genesis_digest
from ledger.signers import unpack_quorum
from ledger.snapshot import SnapshotStatement, snapshot_message
from ledger.types import Epoch, ValidatorIndex, quorum
from ledger.votes import Certificate, Vote, signed_message, subject_of


class ValidatorSet:
    """Public keys of the validators, parsed once, bound to one genesis."""

    def __init__(self, genesis: Genesis) -> None:
        self.epoch: Epoch = genesis.epoch
        self.digest = genesis_digest(genesis)
        self.count = len(genesis.validators)
        self.quorum = quorum(self.count)
        self._voters = [Ed25519Verifier(entry.consensus_key) for entry in genesis.validators]
        self._attesters = [BlsVerifier(entry.checkpoint_key) for entry in genesis.validators]

    def attester(self, index: ValidatorIndex) -> BlsVerifier:
        """Checkpoint key of one validator.

        Raises
        ------
        InvalidSigners
            If there is no such validator.
        """
        self._check_index(index)
        return self._attesters[index]

    def verify_vote(self, vote: Vote) -> None:
        """Check a vote's epoch, signer and signature.

        Raises
        ------
        SignatureError
            If one of them is wrong.
        """
        subject = subject_of(vote)
        self._check_epoch(subject.epoch)
        self._check_index(vote.signer)
        message = signed_message(type(vote), self.digest, subject)
        self._voters[vote.signer].verify(message, vote.signature)

    def verify_certificate(self, certificate: Certificate) -> tuple[ValidatorIndex, ...]:
        """Check a certificate's epoch, quorum and every signature; gives its signers.

        Raises
        ------
        SignatureError
            If one of them is wrong.
        """
        subject = subject_of(certificate)
        self._check_epoch(subject.epoch)
        signers = unpack_quorum(certificate.signers, self.count)
        if len(signers) != len(certificate.signatures):
            raise InvalidSigners(
                f"{len(certificate.signatures)} signatures, {len(signers)} signers"
            )
        message = signed_message(type(certificate), self.digest, subject)
        for signer, signature in zip(signers, certificate.signatures, strict=True):
            self._voters[signer].verify(message, signature)
        return signers

    def verify_evidence(self, evidence: Evidence) -> ValidatorIndex:
        """Check evidence and name the validator that it convicts.

        Raises
        ------
        EvidenceError
            If the votes do not contradict each other.
        SignatureError
            If one is not signed by its signer.
        """
        culprit = culprit_of(evidence)
        for vote in votes_of(evidence):
            self.verify_vote(vote)
        return culprit

    def verify_operator_vote(self, vote: OperatorVote) -> None:
        """Check the signature of a quarantine or resume vote.

        Raises
        ------
        SignatureError
            If epoch, signer or signature is wrong.
        """
        self._check_epoch(vote.epoch)
        self._check_index(vote.signer)
        self._voters[vote.signer].verify(operator_vote_message(self.digest, vote), vote.signature)

    def verify_snapshot(self, statement: SnapshotStatement) -> None:
        """Check one validator's statement about a snapshot.

        Raises
        ------
        SignatureError
            If epoch, signer or signature is wrong.
        """
        self._check_epoch(statement.epoch)
        self._check_index(statement.signer)
        message = snapshot_message(
            self.digest, statement.epoch, statement.height, statement.manifest
        )
        self._voters[statement.signer].verify(message, statement.signature)

    def verify_attestation(self, attestation: Attestation) -> None:
        """Check one validator's attestation.

        Raises
        ------
        SignatureError
            If signer or signature is wrong.
        """
        message = checkpoint_message(self.digest, attestation.checkpoint)
        verify_aggregate([self.attester(attestation.signer)], message, attestation.signature)

    def verify_checkpoint(self, certificate: CheckpointCertificate) -> tuple[ValidatorIndex, ...]:
        """Check a checkpoint certificate; gives its signers. About 2 ms.

        Raises
        ------
        SignatureError
            If there is no quorum or the aggregate does not verify.
        """
        signers = unpack_quorum(certificate.signers, self.count)
        message = checkpoint_message(self.digest, certificate.checkpoint)
        keys = [self._attesters[signer] for signer in signers]
        verify_aggregate(keys, message, certificate.signature)
        return signers

    def _check_epoch(self, epoch: Epoch) -> None:
        if epoch != self.epoch:
            raise InvalidSigners(f"epoch {epoch}, expected {self.epoch}")

    def _check_index(self, index: ValidatorIndex) -> None:
        if index >= self.count:
            raise InvalidSigners(f"no validator {index} among {self.count}")
