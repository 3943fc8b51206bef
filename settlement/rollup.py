"""The ``Rollup`` on L1 in bytes: calls to it, what its views return, its events.

Return data and logs come from outside: each decoder takes canonical ABI only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from contracts.l1.batches import BatchStatus, checkpoint_tuple
from contracts.l1.batches import post_data_call as post_data_call
from contracts.l1.points import encode_signature
from execution.types import Address, Hash32
from ledger.crossing import MAX_MESSAGE_DATA_BYTES, CheckpointCertificate, Message
from ledger.hashing import keccak
from ledger.types import ChainId, EvmAddress
from settlement.errors import MalformedAnswer
from settlement.l1.answers import L1Log

_CHECKPOINT: Final = "(uint256,uint256,bytes32,bytes32,bytes32,bytes32,bytes32,uint256)"
_BATCH_STATE: Final = (
    "(uint256,uint256,bytes32,(uint256,bytes32,bytes32,bytes32,bytes32,bytes32),uint256,uint256)"
)
_MAX_UINT63: Final = 2**63 - 1


def _selector(signature: str) -> bytes:
    return keccak(signature.encode())[:4]


def _topic(signature: str) -> Hash32:
    return Hash32(keccak(signature.encode()))


ENQUEUED: Final = _topic("Enqueued(uint256,address,address,uint256,uint256,bytes)")
BATCH_COMMITTED: Final = _topic("BatchCommitted(bytes32,bytes32,uint256,bytes32,bytes32)")
BATCH_PROVEN: Final = _topic("BatchProven(bytes32,uint256,bytes32)")
BATCH_FINALIZED: Final = _topic("BatchFinalized(bytes32,uint256,bytes32,uint256)")

_COMMIT_BATCH: Final = _selector(f"commit_batch(bytes32,{_CHECKPOINT},bytes,bytes,bytes32)")
_PROVE_BATCH: Final = _selector("prove_batch(bytes32,bytes[])")
_FINALIZE_BATCH: Final = _selector("finalize_batch(bytes32,uint256)")
_POSTED_AT: Final = _selector("posted_at(bytes32)")
_BATCH: Final = _selector("batch(bytes32)")
_GENERATION: Final = _selector("generation()")
_VERIFIER: Final = _selector("verifier()")
_FINAL_BATCH: Final = _selector("final_batch()")
_QUEUE_LENGTH: Final = _selector("queue_length()")
_QUEUE_HASH: Final = _selector("queue_hash(uint256)")
_IS_VERIFIED: Final = _selector("isVerified(bytes32)")


@dataclass(frozen=True, slots=True)
class BatchOnL1:
    """What the contract knows of a batch; ``deposits`` is zero until it is proven."""

    status: BatchStatus
    generation: int
    parent: Hash32
    last_block: int
    block_hash: Hash32
    state_root: Hash32
    data_chain: Hash32
    deposits: Hash32


@dataclass(frozen=True, slots=True)
class BatchCommitted:
    """A batch was committed."""

    batch_id: Hash32
    parent: Hash32
    last_block: int
    state_root: Hash32
    data_chain: Hash32


@dataclass(frozen=True, slots=True)
class BatchProven:
    """A batch was proven."""

    batch_id: Hash32
    segments: int
    deposits: Hash32


@dataclass(frozen=True, slots=True)
class BatchFinalized:
    """A batch became final."""

    batch_id: Hash32
    last_block: int
    state_root: Hash32
    consumed: int


BatchEvent = BatchCommitted | BatchProven | BatchFinalized

# CALLS


def commit_batch_call(
    parent: Hash32, certificate: CheckpointCertificate, data_chain: Hash32
) -> bytes:
    """Call data that commits a batch.

    Raises
    ------
    contracts.errors.PointError
        If the certificate's signature is no point of the curve.
    """
    arguments = (
        parent,
        checkpoint_tuple(certificate.checkpoint),
        certificate.signers,
        encode_signature(certificate.signature),
        data_chain,
    )
    return _COMMIT_BATCH + encode(("bytes32", _CHECKPOINT, "bytes", "bytes", "bytes32"), arguments)


def prove_batch_call(batch_id: Hash32, statements: Sequence[bytes]) -> bytes:
    """Call data that proves a batch by the encodings of its segments' statements."""
    return _PROVE_BATCH + encode(("bytes32", "bytes[]"), (batch_id, list(statements)))


def finalize_batch_call(batch_id: Hash32, consumed: int) -> bytes:
    """Call data that makes a batch final, which ends with so many consumed queue entries."""
    return _FINALIZE_BATCH + encode(("bytes32", "uint256"), (batch_id, consumed))


# VIEWS


def posted_at_call(chain: Hash32) -> bytes:
    """View call: when a data chain was posted, 0 for never."""
    return _POSTED_AT + chain


def batch_call(batch_id: Hash32) -> bytes:
    """View call: what is known of a batch."""
    return _BATCH + batch_id


def queue_hash_call(count: int) -> bytes:
    """View call: the queue's hash after so many entries."""
    return _QUEUE_HASH + count.to_bytes(32, "big")


def is_verified_call(statement_digest: Hash32) -> bytes:
    """View call, to the verifier: whether a statement is proved."""
    return _IS_VERIFIED + statement_digest


GENERATION_CALL: Final = _GENERATION
VERIFIER_CALL: Final = _VERIFIER
FINAL_BATCH_CALL: Final = _FINAL_BATCH
QUEUE_LENGTH_CALL: Final = _QUEUE_LENGTH


def decode_word(output: bytes) -> int:
    """One unsigned integer.

    Raises
    ------
    MalformedAnswer
    """
    if len(output) != 32:
        raise MalformedAnswer(f"a view returned {len(output)} bytes, expected 32")
    return int.from_bytes(output, "big")


def decode_hash(output: bytes) -> Hash32:
    """One 32-byte value.

    Raises
    ------
    MalformedAnswer
    """
    decode_word(output)
    return Hash32(output)


def decode_address(output: bytes) -> Address:
    """One address.

    Raises
    ------
    MalformedAnswer
    """
    if decode_word(output) >> 160:
        raise MalformedAnswer(f"a view returned 0x{output.hex()}, expected an address")
    return Address(output[12:])


def decode_batch(output: bytes) -> BatchOnL1:
    """Output of ``batch``.

    Raises
    ------
    MalformedAnswer
    """
    ((status, generation, parent, end, _, _),) = _decode((_BATCH_STATE,), output)
    block_number, block_hash, state_root, block_data, deposits, _ = end
    try:
        known = BatchStatus(status)
    except ValueError as error:
        raise MalformedAnswer(f"a batch with status {status}") from error
    return BatchOnL1(
        status=known,
        generation=generation,
        parent=Hash32(parent),
        last_block=block_number,
        block_hash=Hash32(block_hash),
        state_root=Hash32(state_root),
        data_chain=Hash32(block_data),
        deposits=Hash32(deposits),
    )


# EVENTS


def decode_enqueued(log: L1Log, l1_chain_id: ChainId) -> Message:
    """A queue entry.

    Raises
    ------
    MalformedAnswer
        If no ``Rollup`` emits such a log.
    """
    _require_topics(log, ENQUEUED, 4)
    value_wei, gas_limit, data = _decode(("uint256", "uint256", "bytes"), log.data)
    nonce = int.from_bytes(log.topics[1], "big")
    if max(nonce, gas_limit) > _MAX_UINT63 or len(data) > MAX_MESSAGE_DATA_BYTES:
        raise MalformedAnswer("a queue entry beyond its bounds")
    return Message(
        source_chain_id=l1_chain_id,
        nonce=nonce,
        sender=_address(log.topics[2]),
        target=_address(log.topics[3]),
        value_wei=value_wei,
        gas_limit=gas_limit,
        data=data,
    )


def decode_batch_event(log: L1Log) -> BatchEvent | None:
    """A step of a batch; ``None`` for any other event.

    Raises
    ------
    MalformedAnswer
    """
    topic = log.topics[0] if log.topics else None
    if topic == BATCH_COMMITTED:
        _require_topics(log, BATCH_COMMITTED, 3)
        last_block, state_root, chain = _decode(("uint256", "bytes32", "bytes32"), log.data)
        return BatchCommitted(
            log.topics[1], log.topics[2], last_block, Hash32(state_root), Hash32(chain)
        )
    if topic == BATCH_PROVEN:
        _require_topics(log, BATCH_PROVEN, 2)
        segments, deposits = _decode(("uint256", "bytes32"), log.data)
        return BatchProven(log.topics[1], segments, Hash32(deposits))
    if topic == BATCH_FINALIZED:
        _require_topics(log, BATCH_FINALIZED, 2)
        last_block, state_root, consumed = _decode(("uint256", "bytes32", "uint256"), log.data)
        return BatchFinalized(log.topics[1], last_block, Hash32(state_root), consumed)
    return None


def _require_topics(log: L1Log, event: Hash32, count: int) -> None:
    if len(log.topics) != count or log.topics[0] != event:
        raise MalformedAnswer(f"an event with {len(log.topics)} topics, expected {count}")


def _address(topic: Hash32) -> EvmAddress:
    if any(topic[:12]):
        raise MalformedAnswer("an indexed address longer than 20 bytes")
    return EvmAddress(topic[12:])


def _decode(types: Sequence[str], encoded: bytes) -> tuple[Any, ...]:
    try:
        values = decode(types, encoded)
        is_canonical = encode(types, values) == encoded
    except (DecodingError, OverflowError, ValueError) as error:
        raise MalformedAnswer(f"not ABI of {types}: {error}") from error
    if not is_canonical:
        raise MalformedAnswer(f"not canonical ABI of {types}")
    return values
