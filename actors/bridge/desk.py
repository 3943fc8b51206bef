"""Checkpoints of one node: the BLS work that consensus must not wait for.

Nothing here is on disk. What the ledger has not certified yet is kept, and given
again when a block is offered again: so either the desk or the validator may be
replaced by a fresh one at any time.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from typing import Final

import structlog

from actors.execution_messages import BridgeAnswer, ExecutedBlock, FinalBlock
from bridge.attestations import (
    AttestationPool,
    CheckpointCertified,
    Divergence,
    InvalidAttestation,
    PoolEvent,
)
from bridge.checkpoints import needs_checkpoint
from bridge.errors import AttestationRejected, DuplicateAttestation
from bridge.outbox import outbox_root
from ledger.crossing import (
    Attestation,
    CertifiedCheckpoint,
    Checkpoint,
    CheckpointCertificate,
    Message,
    checkpoint_message,
)
from ledger.errors import SignatureError
from ledger.genesis import Genesis
from ledger.keys import ValidatorKeys, own_validator
from ledger.types import (
    NO_VALIDATOR,
    BlockNumber,
    ChainId,
    ChainRole,
    Epoch,
    EvmHash,
    ValidatorIndex,
)
from ledger.validators import ValidatorSet

MAX_KEPT_OUTBOXES: Final = 4096
MAX_KNOWN_CERTIFICATES: Final = 1024
MAX_KEPT_DIVERGENCES: Final = 256

BlockKey = tuple[ChainId, BlockNumber]

log = structlog.get_logger(__name__)


class BridgeDesk:
    """Signs, collects and verifies for one validator, by the set of one epoch.

    Parameters
    ----------
    keyring
        Keys that the node has; it signs with those that the epoch's set has, if it has any.
    """

    def __init__(self, genesis: Genesis, *keyring: ValidatorKeys) -> None:
        self.rejected: Counter[str] = Counter()
        self.divergences: deque[Divergence] = deque(maxlen=MAX_KEPT_DIVERGENCES)
        self.certified_count = 0
        self._genesis = genesis
        self._keyring = keyring
        self._settled: dict[ChainId, BlockNumber] = {}
        self._use_set(ValidatorSet(genesis))
        self._outboxes: OrderedDict[BlockKey, tuple[Message, ...]] = OrderedDict()
        self._own: dict[BlockKey, Attestation] = {}
        self._certificates: dict[BlockKey, CheckpointCertificate] = {}
        self._verified: OrderedDict[CheckpointCertificate, None] = OrderedDict()

    @property
    def epoch(self) -> Epoch:
        """The epoch whose set judges here."""
        return self._validators.epoch

    def begin_epoch(self, validators: ValidatorSet, *keyring: ValidatorKeys) -> None:
        """Judge by another set: what the one before has signed is to be signed again.

        Parameters
        ----------
        keyring
            Keys that the node has by now.
        """
        self._keyring = keyring
        if validators.epoch == self.epoch and validators.members == self._validators.members:
            return
        log.info("attesting in another epoch", epoch=validators.epoch)
        self._use_set(validators)
        for chain_id, number in self._settled.items():
            self._pool.advance(chain_id, number)
        self._own.clear()
        self._certificates.clear()
        self._verified.clear()

    def _use_set(self, validators: ValidatorSet) -> None:
        self._validators = validators
        self._pool = AttestationPool(
            validators, [self._genesis.chain(role).chain_id for role in ChainRole]
        )
        self._index, self._keys = own_validator(validators, self._keyring)

    def verify(self, certificates: Sequence[CheckpointCertificate]) -> bool:
        """Whether all these certificates carry a valid quorum signature."""
        return all(self._is_valid(certificate) for certificate in certificates)

    def attest(self, blocks: Sequence[FinalBlock]) -> BridgeAnswer:
        """Sign the final blocks that need a checkpoint; a block may be offered again."""
        attestations: list[Attestation] = []
        events: list[PoolEvent] = []
        certified: list[CertifiedCheckpoint] = []
        for block in blocks:
            executed = block.executed
            chain = self._genesis.chain(executed.role)
            if not needs_checkpoint(chain, executed.number, len(executed.messages)):
                continue
            self._keep_outbox(chain.chain_id, executed)
            if self._index == NO_VALIDATOR:
                continue
            attestation = self._sign(chain.chain_id, block)
            try:
                events.extend(self._pool.add(attestation, self._index))
            except DuplicateAttestation:
                pass  # Attested before, and asked again after a restart of the validator.
            except AttestationRejected as error:
                self.rejected[f"own: {type(error).__name__}"] += 1
                continue
            self._own[chain.chain_id, executed.number] = attestation
            attestations.append(attestation)
            certified.extend(self._match(chain.chain_id, executed.number))
        newly_certified, rejected = self._digest(events)
        return BridgeAnswer(
            tuple(attestations), (*certified, *newly_certified), rejected, _divergences(events)
        )

    def collect(self, attestations: Sequence[tuple[ValidatorIndex, Attestation]]) -> BridgeAnswer:
        """Count attestations of peers."""
        events: list[PoolEvent] = []
        refused: list[str] = []
        for sender, attestation in attestations:
            try:
                events.extend(self._pool.add(attestation, sender))
            except DuplicateAttestation:
                continue  # Peers repeat what has no certificate yet.
            except AttestationRejected as error:
                refused.append(type(error).__name__)
        certified, rejected = self._digest(events)
        self.rejected.update(refused)
        return BridgeAnswer((), certified, (*refused, *rejected), _divergences(events))

    def settled(self, certified: dict[ChainRole, BlockNumber]) -> None:
        """Forget what the final ledger has certified."""
        for role, number in certified.items():
            chain_id = self._genesis.chain(role).chain_id
            self._settled[chain_id] = number
            self._pool.advance(chain_id, number)
            for kept in (self._outboxes, self._own, self._certificates):
                for key in [k for k in kept if k[0] == chain_id and k[1] <= number]:
                    del kept[key]

    def restart_after(self, role: ChainRole, number: BlockNumber) -> None:
        """Forget what was attested of a chain's later blocks: they are executed anew."""
        chain_id = self._genesis.chain(role).chain_id
        self._settled[chain_id] = number
        self._pool.restart_after(chain_id, number)
        for kept in (self._outboxes, self._own, self._certificates):
            for key in [k for k in kept if k[0] == chain_id and k[1] > number]:
                del kept[key]

    def _is_valid(self, certificate: CheckpointCertificate) -> bool:
        if certificate in self._verified:
            return True
        try:
            self._validators.verify_checkpoint(certificate)
        except SignatureError as error:
            self.rejected[f"certificate: {type(error).__name__}"] += 1
            return False
        self._remember(certificate)
        return True

    def _remember(self, certificate: CheckpointCertificate) -> None:
        self._verified[certificate] = None
        if len(self._verified) > MAX_KNOWN_CERTIFICATES:
            self._verified.popitem(last=False)

    def _keep_outbox(self, chain_id: ChainId, executed: ExecutedBlock) -> None:
        self._outboxes[chain_id, executed.number] = executed.messages
        if len(self._outboxes) > MAX_KEPT_OUTBOXES:
            self._outboxes.popitem(last=False)

    def _sign(self, chain_id: ChainId, block: FinalBlock) -> Attestation:
        executed = block.executed
        checkpoint = Checkpoint(
            chain_id=chain_id,
            number=executed.number,
            ledger_digest=EvmHash(block.attested_digest),
            block_hash=executed.block_hash,
            state_root=executed.state_root,
            receipts_root=executed.receipts_root,
            outbox_root=outbox_root(executed.messages),
            next_message_nonce=executed.next_message_nonce,
        )
        known = self._own.get((chain_id, executed.number))
        if known is not None and known.checkpoint == checkpoint:
            return known
        message = checkpoint_message(self._validators.digest, checkpoint)
        return Attestation(checkpoint, self._index, self._keys.checkpoint.sign(message))

    def _digest(
        self, events: Sequence[PoolEvent]
    ) -> tuple[tuple[CertifiedCheckpoint, ...], tuple[str, ...]]:
        """Certified checkpoints, and reasons why attestations do not count."""
        certified: list[CertifiedCheckpoint] = []
        rejected: list[str] = []
        for event in events:
            if isinstance(event, CheckpointCertified):
                self.certified_count += 1
                self._remember(event.certificate)
                checkpoint = event.certificate.checkpoint
                self._certificates[checkpoint.chain_id, checkpoint.number] = event.certificate
                certified.extend(self._match(checkpoint.chain_id, checkpoint.number))
            elif isinstance(event, InvalidAttestation):
                log.warning("invalid attestation", signer=event.signer, number=event.number)
                rejected.append("wrong signature")
            else:
                log.error("executors diverge", number=event.number, dissenters=event.dissenters)
                self.divergences.append(event)
                rejected.extend("another result than the quorum's" for _ in event.dissenters)
        self.rejected.update(rejected)
        return tuple(certified), tuple(rejected)

    def _match(self, chain_id: ChainId, number: BlockNumber) -> tuple[CertifiedCheckpoint, ...]:
        """Join a certificate with its messages, once this node has executed the block too."""
        certificate = self._certificates.get((chain_id, number))
        messages = self._outboxes.get((chain_id, number))
        if certificate is None or messages is None:
            return ()
        if outbox_root(messages) != certificate.checkpoint.outbox_root:
            return ()  # The own execution differs from the quorum's: others will propose it.
        return (CertifiedCheckpoint(certificate, messages),)


def _divergences(events: Sequence[PoolEvent]) -> tuple[Divergence, ...]:
    return tuple(event for event in events if isinstance(event, Divergence))
