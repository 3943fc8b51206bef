"""Proposes payloads that break one rule each, and votes for them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from actors.validator.block_tree import TreeBlock
from bridge.outbox import outbox_root
from cluster.chaos.traitors.base import Traitor
from ledger.block import (
    BlockBody,
    LedgerBlock,
    SealedBlock,
    body_digest,
    seal,
)
from ledger.crossing import CertifiedCheckpoint, Checkpoint, CheckpointCertificate, Message
from ledger.signers import pack_signers
from ledger.types import (
    BlockNumber,
    BlsSignature,
    ChainId,
    ChainRole,
    Digest,
    EvmAddress,
    EvmHash,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)

HOUR_MS: Final = 3_600_000
THIEF: Final = EvmAddress(b"\x66" * 20)
STOLEN_WEI: Final = 10**18
TOO_MANY_BYTES: Final = 24 * 100_000
_NOWHERE: Final = EvmHash(b"\x04" * 32)
_INVENTED: Final = Digest(b"\x02" * 32)


class Corrupter(Traitor):
    """A leader that breaks one rule after the other, one in each of its views.

    Parameters
    ----------
    rules
        Names of :data:`CORRUPTIONS`; all of them if none is named.
    """

    def __init__(self, *rules: str, seed: int = 1) -> None:
        super().__init__(seed)
        self.made: set[Digest] = set()
        """Digests of what it has proposed."""
        self._rules: Sequence[str] = rules or tuple(CORRUPTIONS)
        self._turns = 0
        self._garbled: set[Digest] = set()

    def builds(self, block: TreeBlock) -> TreeBlock:
        """The block with the next rule broken."""
        rule = self._rules[self._turns % len(self._rules)]
        corrupted = CORRUPTIONS[rule](self, block)
        if corrupted is None:
            return block  # There is nothing in it by which to break the rule; the next may have.
        self._turns += 1
        self.deeds[rule] += 1
        self.made.add(corrupted.digest)
        if rule == UNDECODABLE:
            self._garbled.add(corrupted.digest)
        return replace(block, sealed=corrupted)

    def shows(self, peer: int, block: SealedBlock, *, is_answer: bool) -> Iterable[bytes]:
        """The payload, or bytes that are none."""
        if block.digest in self._garbled:
            return (block.encoded[:-1] + b"\xc1",)
        return (block.encoded,)

    def checkpoint_of(self, block: TreeBlock) -> CertifiedCheckpoint | None:
        """A checkpoint that follows all rules but has no signature, with value for a thief."""
        state = self.node.tree.state_after(block.sealed.header.parent)
        chain = state.fast
        number = BlockNumber(chain.certified.number + 1)
        digest = state.expected_ledger_digest(ChainRole.FAST, number)
        if digest is None or number > chain.number:
            return None
        theft = Message(
            source_chain_id=ChainId(chain.chain_id),
            nonce=chain.next_message_nonce,
            sender=THIEF,
            target=THIEF,
            value_wei=STOLEN_WEI,
            gas_limit=100_000,
            data=b"",
        )
        checkpoint = Checkpoint(
            chain_id=chain.chain_id,
            number=number,
            ledger_digest=EvmHash(digest),
            block_hash=_NOWHERE,
            state_root=_NOWHERE,
            receipts_root=_NOWHERE,
            outbox_root=outbox_root((theft,)),
            next_message_nonce=theft.nonce + 1,
        )
        signers = pack_signers(ValidatorIndex(i) for i in range(self.node.validators.count))
        signature = BlsSignature(b"\xc0" + bytes(95))
        certificate = CheckpointCertificate(checkpoint, signers, signature)
        return CertifiedCheckpoint(certificate, (theft,))


def rebuilt(block: TreeBlock, body: BlockBody | None = None, **header: object) -> SealedBlock:
    """A block like another one, with the digest of its body."""
    sealed = block.sealed
    new_body = sealed.body if body is None else body
    fields = {"body": body_digest(new_body)} | header
    return seal(LedgerBlock(replace(sealed.header, **fields), new_body))  # type: ignore[arg-type]


def _wrong_parent(_: Corrupter, block: TreeBlock) -> SealedBlock:
    return rebuilt(block, parent=_INVENTED)


def _wrong_height(_: Corrupter, block: TreeBlock) -> SealedBlock:
    return rebuilt(block, height=Height(block.sealed.header.height + 1))


def _wrong_number(_: Corrupter, block: TreeBlock) -> SealedBlock:
    number = BlockNumber(block.sealed.header.chain_block_number + 1)
    return rebuilt(block, chain_block_number=number)


def _wrong_view(_: Corrupter, block: TreeBlock) -> SealedBlock:
    return rebuilt(block, view=View(block.sealed.header.view + 1))


def _wrong_proposer(traitor: Corrupter, block: TreeBlock) -> SealedBlock:
    return rebuilt(block, proposer=ValidatorIndex(traitor.mouth.peers[0]))


def _wrong_body(_: Corrupter, block: TreeBlock) -> SealedBlock:
    header = replace(block.sealed.header, body=_INVENTED)
    return seal(LedgerBlock(header, block.sealed.body))


def _dated_ahead(_: Corrupter, block: TreeBlock) -> SealedBlock:
    later = TimestampMs(block.sealed.header.timestamp_ms + HOUR_MS)
    return rebuilt(block, timestamp_ms=later)


def _dated_back(_: Corrupter, block: TreeBlock) -> SealedBlock:
    return rebuilt(block, timestamp_ms=TimestampMs(1))


def _too_long(_: Corrupter, block: TreeBlock) -> SealedBlock:
    count = TOO_MANY_BYTES // 100_000
    transactions = tuple(bytes([number]) * 100_000 for number in range(count))
    return rebuilt(block, replace(block.sealed.body, transactions=transactions))


def _undecodable(_: Corrupter, block: TreeBlock) -> SealedBlock:
    return rebuilt(block, timestamp_ms=TimestampMs(block.sealed.header.timestamp_ms + 1))


def _forged_checkpoint(traitor: Corrupter, block: TreeBlock) -> SealedBlock | None:
    forged = traitor.checkpoint_of(block)
    if forged is None:
        return None
    return rebuilt(block, replace(block.sealed.body, checkpoints=(forged,)))


def _invented_delivery(traitor: Corrupter, block: TreeBlock) -> SealedBlock | None:
    """A real checkpoint with a message that its outbox does not have."""
    forged = traitor.checkpoint_of(block)
    if forged is None or not block.sealed.body.checkpoints:
        return None
    first, *others = block.sealed.body.checkpoints
    invented = replace(first, messages=(*first.messages, *forged.messages))
    return rebuilt(block, replace(block.sealed.body, checkpoints=(invented, *others)))


def _invented_deposit(_: Corrupter, block: TreeBlock) -> SealedBlock:
    deposit = Message(ChainId(1), 0, THIEF, THIEF, STOLEN_WEI, 100_000, b"")
    return rebuilt(block, replace(block.sealed.body, l1_messages=(deposit,)))


UNDECODABLE: Final = "undecodable"

CORRUPTIONS: Final[dict[str, Callable[[Corrupter, TreeBlock], SealedBlock | None]]] = {
    "wrong parent": _wrong_parent,
    "wrong height": _wrong_height,
    "wrong chain number": _wrong_number,
    "wrong view": _wrong_view,
    "wrong proposer": _wrong_proposer,
    "wrong body": _wrong_body,
    "dated ahead": _dated_ahead,
    "dated back": _dated_back,
    "too long": _too_long,
    UNDECODABLE: _undecodable,
    "forged checkpoint": _forged_checkpoint,
    "invented delivery": _invented_delivery,
    "invented deposit": _invented_deposit,
}
"""One broken rule each; None where the block at hand gives no occasion."""
