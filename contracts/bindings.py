"""What is said to the predeploys, and how to read what they say.

Call data (each function names the contract that it is for), ``MessageSent``
logs, and the two views of the loss bound. :mod:`contracts.system_calls` makes
system transactions of the calls that only the protocol makes.

Logs and return data may come from a chain that lies: every decoder bounds its
input first and raises an error of :mod:`contracts.errors`, never anything else.
"""

from typing import Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from contracts.addresses import PORTAL_ADDRESS
from contracts.errors import LogError, MessageError, ReturnDataError
from execution.types import Address, Hash32, Log
from ledger.crossing import MAX_MESSAGE_DATA_BYTES, Message
from ledger.hashing import keccak
from ledger.types import ChainId, EvmAddress

MAX_UINT63: Final = 2**63 - 1
"""Bound of a nonce and a gas limit on the ledger."""

_MESSAGE_SENT_HEAD_BYTES: Final = 128  # value, gas limit, offset and length of the data.
_MAX_MESSAGE_SENT_BYTES: Final = _MESSAGE_SENT_HEAD_BYTES + MAX_MESSAGE_DATA_BYTES
_MESSAGE_SENT_TOPIC_COUNT: Final = 4


def _selector(signature: str) -> bytes:
    return keccak(signature.encode())[:4]


MESSAGE_SENT_TOPIC: Final = Hash32(
    keccak(b"MessageSent(uint256,address,address,uint256,uint256,bytes)")
)
"""First topic of the logs that the outbox consists of."""

_DELIVER: Final = _selector("deliver(uint256,uint256,address,address,uint256,uint256,bytes)")
_DELIVER_TYPES: Final = (
    "uint256",
    "uint256",
    "address",
    "address",
    "uint256",
    "uint256",
    "bytes",
)
_RETRY: Final = _selector("retry(uint256,address,address,uint256,bytes)")
_RETRY_L1: Final = _selector("retry_l1(uint256,address,address,uint256,bytes)")
_SEND: Final = _selector("send(address,uint256,bytes)")
_SET_QUARANTINE: Final = _selector("set_quarantine(bool,uint256)")
_SET_CAP_HALVINGS: Final = _selector("set_cap_halvings(uint256)")
_SKIP_OUTBOUND_NONCES: Final = _selector("skip_outbound_nonces(uint256)")
_RECORD: Final = _selector("record(uint256,bytes32)")
_LOCKED_WEI: Final = _selector("locked_wei()")
_REMAINING_EXPOSURE_WEI: Final = _selector("remaining_exposure_wei()")
_CAP_HALVINGS: Final = _selector("cap_halvings()")
_NEXT_INBOUND_NONCE: Final = _selector("next_inbound_nonce()")
_NEXT_OUTBOUND_NONCE: Final = _selector("next_outbound_nonce()")


def deliver_call(message: Message) -> bytes:
    """Return the call data that delivers a message: to the Portal of the other chain."""
    fields = (
        message.source_chain_id,
        message.nonce,
        message.sender,
        message.target,
        message.value_wei,
        message.gas_limit,
        message.data,
    )
    return _DELIVER + encode(_DELIVER_TYPES, fields)


def decode_deliver_call(call_data: bytes) -> Message | None:
    """Return the message that a call of the Portal delivers; None for its other functions.

    The inverse of :func:`deliver_call`, for the node's own stored blocks.

    Raises
    ------
    MessageError
        The call data are not what :func:`deliver_call` gives.

    """
    if not call_data.startswith(_DELIVER):
        return None
    try:
        source, nonce, sender, target, value_wei, gas_limit, data = decode(
            _DELIVER_TYPES, call_data[len(_DELIVER) :]
        )
    except (DecodingError, OverflowError) as error:
        raise MessageError("call data", "a call of deliver", str(error)) from error
    message = Message(
        source_chain_id=ChainId(source),
        nonce=nonce,
        sender=EvmAddress(bytes.fromhex(sender[2:])),
        target=EvmAddress(bytes.fromhex(target[2:])),
        value_wei=value_wei,
        gas_limit=gas_limit,
        data=data,
    )
    if deliver_call(message) != call_data:
        raise MessageError("call data", "canonical ABI", "another encoding")
    return message


def retry_call(message: Message) -> bytes:
    """Return the call data with which anyone retries a parked message of the other chain."""
    return _RETRY + _retry_arguments(message)


def retry_l1_call(message: Message) -> bytes:
    """Return the call data with which anyone retries a parked message of L1: on the ZK chain."""
    return _RETRY_L1 + _retry_arguments(message)


def send_call(target: Address, gas_limit: int, data: bytes) -> bytes:
    """Return the call data with which anyone sends a message: to this chain's Portal."""
    return _SEND + encode(("address", "uint256", "bytes"), (target, gas_limit, data))


def set_quarantine_call(is_active: bool, last_good_checkpoint: int) -> bytes:
    """Return the call data that begins or ends a quarantine: to the ZK chain's Portal.

    ``last_good_checkpoint`` is the number of the last fast block that is trusted.
    """
    return _SET_QUARANTINE + encode(("bool", "uint256"), (is_active, last_good_checkpoint))


def set_cap_halvings_call(halvings: int) -> bytes:
    """Return the call data that tightens or relaxes the caps: to the ``RoundGuard``."""
    return _SET_CAP_HALVINGS + encode(("uint256",), (halvings,))


def skip_outbound_nonces_call(next_nonce: int) -> bytes:
    """Return the call data for the first system transaction of a resumed fast chain's Portal.

    ``next_nonce`` is the larger of the ZK Portal's ``next_inbound_nonce`` and
    the fast Portal's own ``next_outbound_nonce`` at the last good checkpoint.
    """
    return _SKIP_OUTBOUND_NONCES + encode(("uint256",), (next_nonce,))


def record_call(zk_block_number: int, state_root: Hash32) -> bytes:
    """Return the call data that records a ZK block's state root: to the ``OwnershipOracle``."""
    return _RECORD + encode(("uint256", "bytes32"), (zk_block_number, state_root))


def is_message_sent(log: Log) -> bool:
    """Return whether a log claims to be a ``MessageSent`` of the Portal."""
    return log.address == PORTAL_ADDRESS and log.topics[:1] == (MESSAGE_SENT_TOPIC,)


def decode_message_sent(log: Log, source_chain_id: ChainId) -> Message:
    """Decode one log of the outbox.

    Parameters
    ----------
    log
        A log of the Portal, of any origin.
    source_chain_id
        The chain that it was found on.

    Raises
    ------
    LogError
        The log is not the exact ABI encoding of a ``MessageSent`` of the Portal.
    MessageError
        It is, but of a message that the ledger cannot carry and no Portal sends.

    """
    if not is_message_sent(log):
        raise LogError("not a MessageSent log of the Portal")
    if len(log.topics) != _MESSAGE_SENT_TOPIC_COUNT:
        raise LogError(f"MessageSent: expected 4 topics, got {len(log.topics)}")
    if any(len(topic) != 32 for topic in log.topics):
        raise LogError("MessageSent: a topic is not 32 bytes long")
    if len(log.data) > _MAX_MESSAGE_SENT_BYTES:
        raise LogError(
            f"MessageSent: expected at most {_MAX_MESSAGE_SENT_BYTES} bytes, got {len(log.data)}"
        )

    types = ("uint256", "uint256", "bytes")
    try:
        value_wei, gas_limit, data = decode(types, log.data)
    except (DecodingError, OverflowError) as error:
        raise LogError(f"MessageSent: {error}") from error
    is_canonical = encode(types, (value_wei, gas_limit, data)) == log.data
    if not is_canonical:
        raise LogError("MessageSent: the data is not canonical ABI")
    nonce = int.from_bytes(log.topics[1])
    for name, number in (("nonce", nonce), ("gas_limit", gas_limit)):
        if number > MAX_UINT63:
            raise MessageError(name, "a 63-bit number", number)
    if len(data) > MAX_MESSAGE_DATA_BYTES:
        raise MessageError("data", f"at most {MAX_MESSAGE_DATA_BYTES} bytes", len(data))
    return Message(
        source_chain_id=source_chain_id,
        nonce=nonce,
        sender=_address_of_topic(log.topics[2]),
        target=_address_of_topic(log.topics[3]),
        value_wei=value_wei,
        gas_limit=gas_limit,
        data=data,
    )


def locked_wei_call() -> bytes:
    """Return the view call for the first part of the loss bound: to the ZK chain's Portal."""
    return _LOCKED_WEI


def remaining_exposure_call() -> bytes:
    """Return the view call for the second part of the loss bound: to the ``RoundGuard``."""
    return _REMAINING_EXPOSURE_WEI


def cap_halvings_call() -> bytes:
    """Return the view call for how often new rounds' caps are halved: to the ``RoundGuard``."""
    return _CAP_HALVINGS


def next_inbound_nonce_call() -> bytes:
    """Return the view call for the nonce that a Portal delivers next."""
    return _NEXT_INBOUND_NONCE


def next_outbound_nonce_call() -> bytes:
    """Return the view call for the nonce that a Portal's outbox gives next."""
    return _NEXT_OUTBOUND_NONCE


def loss_bound_wei(locked_wei_output: bytes, remaining_exposure_output: bytes) -> int:
    """Add up the loss bound from the outputs of its two view calls, in wei.

    Raises
    ------
    ReturnDataError
        An output is not one 32-byte word.

    """
    locked_wei = decode_uint256("Portal.locked_wei", locked_wei_output)
    exposure_wei = decode_uint256("RoundGuard.remaining_exposure_wei", remaining_exposure_output)
    return locked_wei + exposure_wei


def decode_uint256(view: str, output: bytes) -> int:
    """Decode the output of a view that returns one unsigned integer.

    Raises
    ------
    ReturnDataError
        The output is not one 32-byte word; ``view`` names it in the message.

    """
    if len(output) != 32:
        raise ReturnDataError(view, "32 bytes", len(output))
    return int.from_bytes(output)


def _retry_arguments(message: Message) -> bytes:
    fields = (message.nonce, message.sender, message.target, message.gas_limit, message.data)
    return encode(("uint256", "address", "address", "uint256", "bytes"), fields)


def _address_of_topic(topic: Hash32) -> EvmAddress:
    if any(topic[:12]):
        raise LogError("MessageSent: an indexed address is longer than 20 bytes")
    return EvmAddress(topic[12:])
