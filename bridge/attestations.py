"""Attestations become checkpoint certificates, and disagreement gets names.

A BLS check costs 2 ms, so none is made before it can matter: a quorum's worth of
equal statements is aggregated and checked once. If that fails, the group is
halved until the wrong signatures are found; each has its signer's name, since
an attestation is taken from its own signer only. Each signer has one attestation
per block, a wrong one included: it costs the pool one failed check and no more.

Disagreement: two checkpoints for one block, each signed by some validator. It is
looked for once a quorum has attested the block or a certificate for it stands,
and only checked signatures count, so no validator is named by another's doing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.errors import DuplicateAttestation, NotTheSigner, OutsideWindow
from ledger.bls import aggregate, verify_aggregate
from ledger.crossing import Attestation, Checkpoint, CheckpointCertificate, checkpoint_message
from ledger.errors import InvalidSignature
from ledger.signers import pack_signers
from ledger.types import BlockNumber, ChainId, ValidatorIndex
from ledger.validators import ValidatorSet

WINDOW_AHEAD: Final = 2048
WINDOW_BEHIND: Final = 64
"""Attestations are kept of blocks from 64 before the last certified checkpoint, so that a late
liar is still named, to 2,048 after it."""


@dataclass(frozen=True, slots=True)
class CheckpointCertified:
    """A quorum signed one checkpoint."""

    certificate: CheckpointCertificate


@dataclass(frozen=True, slots=True)
class InvalidAttestation:
    """A validator sent an attestation with a wrong signature."""

    chain_id: ChainId
    number: BlockNumber
    signer: ValidatorIndex


@dataclass(frozen=True, slots=True)
class Divergence:
    """Validators signed different checkpoints of one block.

    ``groups`` are the checkpoints with those who signed them, the largest group
    first; ``certified`` is the one with a certificate, if there is one. Given again
    whenever another validator joins the disagreement.
    """

    chain_id: ChainId
    number: BlockNumber
    groups: tuple[tuple[Checkpoint, tuple[ValidatorIndex, ...]], ...]
    certified: Checkpoint | None

    @property
    def dissenters(self) -> tuple[ValidatorIndex, ...]:
        """Those who signed another checkpoint than the certified one, ascending."""
        if self.certified is None:
            return ()
        others = (signers for value, signers in self.groups if value != self.certified)
        return tuple(sorted(signer for signers in others for signer in signers))


PoolEvent = CheckpointCertified | InvalidAttestation | Divergence


@dataclass(slots=True)
class _Group:
    """Attestations of one checkpoint value: ``verified`` is a subset of ``attestations``."""

    attestations: dict[ValidatorIndex, Attestation] = field(default_factory=dict)
    verified: set[ValidatorIndex] = field(default_factory=set)


@dataclass(slots=True)
class _Slot:
    """Everything attested about one block."""

    groups: dict[Checkpoint, _Group] = field(default_factory=dict)
    signers: set[ValidatorIndex] = field(default_factory=set)
    certified: Checkpoint | None = None
    reported: frozenset[ValidatorIndex] = frozenset()


class AttestationPool:
    """Attestations of both chains' blocks that are not certified for long.

    A plain data structure without a clock. Memory is bounded by validators × window.
    """

    def __init__(self, validators: ValidatorSet, chain_ids: Sequence[ChainId]) -> None:
        self._validators = validators
        self._slots: dict[ChainId, dict[BlockNumber, _Slot]] = {
            chain_id: {} for chain_id in chain_ids
        }
        self._certified = dict.fromkeys(chain_ids, BlockNumber(0))

    def add(self, attestation: Attestation, sender: ValidatorIndex) -> tuple[PoolEvent, ...]:
        """Take an attestation that arrived from ``sender`` (the own index for an own one).

        Raises
        ------
        AttestationRejected
            One of its subclasses, before any signature is looked at.
        """
        checkpoint, signer = attestation.checkpoint, attestation.signer
        if signer != sender or signer >= self._validators.count:
            raise NotTheSigner(f"attestation of validator {signer}, sent by {sender}")
        self._check_window(checkpoint)
        slots = self._slots[checkpoint.chain_id]
        slot = slots.setdefault(checkpoint.number, _Slot())
        if signer in slot.signers:
            raise DuplicateAttestation(f"validator {signer}, block {checkpoint.number}")
        slot.signers.add(signer)
        slot.groups.setdefault(checkpoint, _Group()).attestations[signer] = attestation
        return (
            *self._certify(slot, checkpoint),
            *self._find_divergence(slot, checkpoint),
        )

    def advance(self, chain_id: ChainId, number: BlockNumber) -> None:
        """The ledger has certified a block: forget what is too old to matter."""
        self._certified[chain_id] = number
        slots = self._slots[chain_id]
        for old in [known for known in slots if known <= number - WINDOW_BEHIND]:
            del slots[old]

    def restart_after(self, chain_id: ChainId, number: BlockNumber) -> None:
        """The chain is replayed from this block: later attestations are of the wrong execution."""
        self._certified[chain_id] = number
        slots = self._slots[chain_id]
        for old in [known for known in slots if known > number]:
            del slots[old]

    def attestation_count(self) -> int:
        """How many attestations are kept."""
        return sum(
            len(group.attestations)
            for slots in self._slots.values()
            for slot in slots.values()
            for group in slot.groups.values()
        )

    def _check_window(self, checkpoint: Checkpoint) -> None:
        certified = self._certified.get(checkpoint.chain_id)
        if certified is None:
            raise OutsideWindow(f"no chain has the id {checkpoint.chain_id}")
        is_within = (
            certified - WINDOW_BEHIND < checkpoint.number <= certified + WINDOW_AHEAD
            and checkpoint.number > 0
        )
        if not is_within:
            raise OutsideWindow(f"block {checkpoint.number}, the last certified is {certified}")

    def _certify(self, slot: _Slot, checkpoint: Checkpoint) -> tuple[PoolEvent, ...]:
        group = slot.groups[checkpoint]
        is_worth_checking = (
            slot.certified is None and len(group.attestations) >= self._validators.quorum
        )
        if not is_worth_checking:
            return ()
        events = self._verify_group(slot, checkpoint)
        if len(group.verified) < self._validators.quorum:
            return events
        slot.certified = checkpoint
        signers = sorted(group.verified)
        signatures = [group.attestations[signer].signature for signer in signers]
        certificate = CheckpointCertificate(
            checkpoint, pack_signers(signers), aggregate(signatures)
        )
        return (*events, CheckpointCertified(certificate))

    def _find_divergence(self, slot: _Slot, checkpoint: Checkpoint) -> tuple[PoolEvent, ...]:
        has_enough = slot.certified is not None or len(slot.signers) >= self._validators.quorum
        if len(slot.groups) < 2 or not has_enough:
            return ()
        events: list[PoolEvent] = []
        for value in list(slot.groups):
            if value != slot.certified:
                events.extend(self._verify_group(slot, value))
        groups = tuple(
            sorted(
                (
                    (value, tuple(sorted(group.verified)))
                    for value, group in slot.groups.items()
                    if group.verified
                ),
                key=lambda entry: (-len(entry[1]), entry[1]),
            )
        )
        named = frozenset(
            signer for value, signers in groups if value != slot.certified for signer in signers
        )
        is_news = len(groups) >= 2 and named != slot.reported
        if is_news:
            slot.reported = named
            events.append(
                Divergence(checkpoint.chain_id, checkpoint.number, groups, slot.certified)
            )
        return tuple(events)

    def _verify_group(self, slot: _Slot, checkpoint: Checkpoint) -> tuple[PoolEvent, ...]:
        """Check what is unchecked in a group; drop and name what is wrong."""
        group = slot.groups[checkpoint]
        unchecked = sorted(set(group.attestations) - group.verified)
        message = checkpoint_message(self._validators.digest, checkpoint)
        wrong = self._find_wrong([group.attestations[signer] for signer in unchecked], message)
        for signer in wrong:
            del group.attestations[signer]
        group.verified = set(group.attestations)
        if not group.attestations:
            del slot.groups[checkpoint]
        return tuple(
            InvalidAttestation(checkpoint.chain_id, checkpoint.number, signer) for signer in wrong
        )

    def _find_wrong(
        self, attestations: Sequence[Attestation], message: bytes
    ) -> list[ValidatorIndex]:
        """Signers whose signatures are wrong, by halving: one check if all are right."""
        if not attestations or self._is_aggregate_right(attestations, message):
            return []
        if len(attestations) == 1:
            return [attestations[0].signer]
        middle = len(attestations) // 2
        return [
            *self._find_wrong(attestations[:middle], message),
            *self._find_wrong(attestations[middle:], message),
        ]

    def _is_aggregate_right(self, attestations: Sequence[Attestation], message: bytes) -> bool:
        keys = [self._validators.attester(attestation.signer) for attestation in attestations]
        try:
            signature = aggregate([attestation.signature for attestation in attestations])
            verify_aggregate(keys, message, signature)
        except InvalidSignature:
            return False
        return True
