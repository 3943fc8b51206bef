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
from ledger.membership import Member, genesis_members
from ledger.signers import unpack_quorum
from ledger.snapshot import SnapshotStatement, snapshot_message
from ledger.types import Digest, Ed25519PublicKey, Epoch, ValidatorIndex, quorum
from ledger.votes import Certificate, Vote, signed_message, subject_of


class ValidatorSet:
    """Public keys of one epoch's validators, parsed once, bound to one genesis.

    Made from a genesis it is the set of the first epoch.
    """

    def __init__(self, genesis: Genesis) -> None:
        self._set_up(genesis_digest(genesis), genesis.epoch, genesis_members(genesis))

    @classmethod
    def of_epoch(cls, network: Digest, epoch: Epoch, members: tuple[Member, ...]) -> "ValidatorSet":
        """The set of any epoch of the network whose genesis has this digest.

        Raises
        ------
        SignatureError
            If a key is none.
        """
        made = cls.__new__(cls)
        made._set_up(network, epoch, members)
        return made

    def _set_up(self, network: Digest, epoch: Epoch, members: tuple[Member, ...]) -> None:
        self.epoch = epoch
        self.digest = network
        self.members = members
        self.count = len(members)
        self.quorum = quorum(self.count)
        self._voters = [Ed25519Verifier(member.entry.consensus_key) for member in members]
        self._attesters = [BlsVerifier(member.entry.checkpoint_key) for member in members]

    def index_of(self, consensus_key: Ed25519PublicKey) -> ValidatorIndex | None:
        """Which validator has this key, if one has."""
        for index, member in enumerate(self.members):
            if member.entry.consensus_key == consensus_key:
                return ValidatorIndex(index)
        return None

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
        """Check epoch, signer and signature of an operator's vote.

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
