"""Signed transactions at ingress: decoding, sender recovery, intrinsic gas.

What decodes here decodes in the engine and the other way round; the reasons of
refusals are those of :mod:`execution.skip_reasons`.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, TypeAlias

from coincurve import PublicKey

from execution import skip_reasons
from execution._strict_rlp import (
    RlpError,
    RlpItem,
    decode_fields,
    encode_integer,
    encode_list_header,
)
from execution.errors import SenderRecoveryError, TransactionDecodeError
from execution.types import Address, Hash32
from ledger.hashing import keccak

LEGACY: Final = 0
ACCESS_LIST: Final = 1
DYNAMIC_FEE: Final = 2
SET_CODE: Final = 4

MAX_TRANSACTION_BYTES: Final = 1 << 20
"""Bound before decoding; pools and gateways set a lower one of their own."""

AccessList: TypeAlias = tuple[tuple[Address, tuple[Hash32, ...]], ...]

_SIGNED_FIELD_COUNT: Final = {LEGACY: 6, ACCESS_LIST: 8, DYNAMIC_FEE: 9, SET_CODE: 10}
_MAX_U64: Final = (1 << 64) - 1
_MAX_U128: Final = (1 << 128) - 1
_MAX_U256: Final = (1 << 256) - 1
_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_SENDERS_PER_TASK: Final = 64

_TRANSACTION_GAS: Final = 21_000
_CREATION_GAS: Final = 32_000
_INITCODE_WORD_GAS: Final = 2
_DATA_TOKEN_GAS: Final = 4
_DATA_TOKEN_FLOOR_GAS: Final = 10
_ACCESS_LIST_ADDRESS_GAS: Final = 2_400
_ACCESS_LIST_SLOT_GAS: Final = 1_900
_AUTHORIZATION_GAS: Final = 25_000


@dataclass(frozen=True, slots=True)
class DecodedTransaction:
    """A transaction whose encoding is right; nothing else is checked yet.

    A legacy transaction has its gas price as ``max_fee_wei`` and as
    ``tip_wei``, and no ``chain_id`` if it is from before EIP-155.
    """

    raw: bytes
    hash: Hash32
    type: int
    chain_id: int | None
    nonce: int
    to: Address | None
    value_wei: int
    gas_limit: int
    max_fee_wei: int
    tip_wei: int
    data: bytes
    access_list: AccessList
    authorization_count: int
    is_y_odd: bool = field(repr=False)
    r: int = field(repr=False)
    s: int = field(repr=False)
    signing_hash: Hash32 = field(repr=False)


def transaction_hash(raw: bytes) -> Hash32:
    """Hash under which an encoded transaction is known."""
    return Hash32(keccak(raw))


def decode_transaction(raw: bytes) -> DecodedTransaction:
    """Decode an EIP-2718 byte string: legacy, or type 1, 2 or 4.

    Raises
    ------
    TransactionDecodeError
        With the reason: encoding, type, or a signature of no possible form.
    """
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise _invalid(f"expected at most {MAX_TRANSACTION_BYTES} bytes, got {len(raw)}")
    transaction_type = _type_of(raw)
    body = raw if transaction_type == LEGACY else raw[1:]
    try:
        fields, positions = decode_fields(body)
    except RlpError as error:
        raise _invalid(str(error)) from error
    signed_count = _SIGNED_FIELD_COUNT[transaction_type]
    if len(fields) != signed_count + 3:
        raise _invalid(f"expected {signed_count + 3} fields, got {len(fields)}")
    signed = body[positions[0] : positions[signed_count]]
    if transaction_type == LEGACY:
        return _decode_legacy(raw, fields, signed)
    return _decode_typed(raw, transaction_type, fields, signed)


def _type_of(raw: bytes) -> int:
    if not raw or 0x80 <= raw[0] < 0xC0:
        raise _invalid("neither an EIP-2718 type nor a list")
    if raw[0] >= 0xC0:
        return LEGACY
    if raw[0] not in _SIGNED_FIELD_COUNT or raw[0] == LEGACY:
        raise TransactionDecodeError(skip_reasons.UNSUPPORTED_TYPE, f"type {raw[0]}")
    return raw[0]


def _decode_legacy(raw: bytes, fields: list[RlpItem], signed: bytes) -> DecodedTransaction:
    gas_price = _integer(fields[1], _MAX_U128)
    v = _integer(fields[6], _MAX_U256)
    is_before_eip_155 = v in (27, 28)
    if v < 35 and not is_before_eip_155:
        raise TransactionDecodeError(skip_reasons.INVALID_SIGNATURE, f"v is {v}")
    chain_id = None if is_before_eip_155 else (v - 35) >> 1
    if chain_id is not None:
        signed += encode_integer(chain_id) + b"\x80\x80"
    return DecodedTransaction(
        raw=raw,
        hash=Hash32(keccak(raw)),
        type=LEGACY,
        chain_id=chain_id,
        nonce=_integer(fields[0], _MAX_U64),
        to=_recipient(fields[3], may_create=True),
        value_wei=_integer(fields[4], _MAX_U256),
        gas_limit=_integer(fields[2], _MAX_U64),
        max_fee_wei=gas_price,
        tip_wei=gas_price,
        data=_string(fields[5]),
        access_list=(),
        authorization_count=0,
        is_y_odd=v % 2 == 0,
        r=_integer(fields[7], _MAX_U256),
        s=_integer(fields[8], _MAX_U256),
        signing_hash=Hash32(keccak(encode_list_header(len(signed)) + signed)),
    )


def _decode_typed(
    raw: bytes, transaction_type: int, fields: list[RlpItem], signed: bytes
) -> DecodedTransaction:
    signed_count = _SIGNED_FIELD_COUNT[transaction_type]
    has_tip = transaction_type != ACCESS_LIST
    # chain id, nonce and (if any) the tip come before the fee.
    fee = 3 if has_tip else 2
    max_fee_wei = _integer(fields[fee], _MAX_U128)
    parity = _integer(fields[signed_count], _MAX_U256)
    decoded = DecodedTransaction(
        raw=raw,
        hash=Hash32(keccak(raw)),
        type=transaction_type,
        chain_id=_integer(fields[0], _MAX_U256),
        nonce=_integer(fields[1], _MAX_U64),
        to=_recipient(fields[fee + 2], may_create=transaction_type != SET_CODE),
        value_wei=_integer(fields[fee + 3], _MAX_U256),
        gas_limit=_integer(fields[fee + 1], _MAX_U64),
        max_fee_wei=max_fee_wei,
        tip_wei=_integer(fields[2], _MAX_U128) if has_tip else max_fee_wei,
        data=_string(fields[fee + 4]),
        access_list=_access_list(fields[fee + 5]),
        authorization_count=_count_authorizations(fields[9]) if transaction_type == SET_CODE else 0,
        is_y_odd=parity == 1,
        r=_integer(fields[signed_count + 1], _MAX_U256),
        s=_integer(fields[signed_count + 2], _MAX_U256),
        signing_hash=Hash32(keccak(raw[:1] + encode_list_header(len(signed)) + signed)),
    )
    if parity > 1:
        raise TransactionDecodeError(skip_reasons.INVALID_SIGNATURE, f"parity is {parity}")
    return decoded


def _string(item: RlpItem) -> bytes:
    if isinstance(item, list):
        raise _invalid("expected a string, got a list")
    return item


def _list(item: RlpItem) -> list[RlpItem]:
    if isinstance(item, bytes):
        raise _invalid("expected a list, got a string")
    return item


def _integer(item: RlpItem, maximum: int) -> int:
    encoded = _string(item)
    if encoded[:1] == b"\0":
        raise _invalid("an integer has a leading zero byte")
    value = int.from_bytes(encoded, "big")
    if value > maximum:
        raise _invalid(f"expected an integer of at most {maximum.bit_length()} bits")
    return value


def _fixed(item: RlpItem, size_bytes: int) -> bytes:
    encoded = _string(item)
    if len(encoded) != size_bytes:
        raise _invalid(f"expected {size_bytes} bytes, got {len(encoded)}")
    return encoded


def _recipient(item: RlpItem, may_create: bool) -> Address | None:
    if may_create and item == b"":
        return None
    return Address(_fixed(item, 20))


def _access_list(item: RlpItem) -> AccessList:
    entries = []
    for entry in _list(item):
        pair = _list(entry)
        if len(pair) != 2:
            raise _invalid(f"access list entry: expected 2 fields, got {len(pair)}")
        slots = tuple(Hash32(_fixed(slot, 32)) for slot in _list(pair[1]))
        entries.append((Address(_fixed(pair[0], 20)), slots))
    return tuple(entries)


def _count_authorizations(item: RlpItem) -> int:
    authorizations = _list(item)
    for authorization in authorizations:
        fields = _list(authorization)
        if len(fields) != 6:
            raise _invalid(f"authorization: expected 6 fields, got {len(fields)}")
        chain_id, address, nonce, parity, r, s = fields
        _fixed(address, 20)
        _integer(nonce, _MAX_U64)
        _integer(parity, 0xFF)
        for wide in (chain_id, r, s):
            _integer(wide, _MAX_U256)
    return len(authorizations)


def _invalid(detail: str) -> TransactionDecodeError:
    return TransactionDecodeError(skip_reasons.INVALID_ENCODING, detail)


def recover_sender(transaction: DecodedTransaction) -> Address:
    """Address that signed ``transaction``.

    Raises
    ------
    SenderRecoveryError
        ``r`` or ``s`` is out of range, ``s`` is high (EIP-2), or no key fits.
    """
    is_r_in_range = 0 < transaction.r < _CURVE_ORDER
    is_s_low = 0 < transaction.s <= _CURVE_ORDER // 2
    if not (is_r_in_range and is_s_low):
        raise _unrecoverable("r or s is out of range")
    signature = (
        transaction.r.to_bytes(32, "big")
        + transaction.s.to_bytes(32, "big")
        + bytes([transaction.is_y_odd])
    )
    try:
        key = PublicKey.from_signature_and_message(signature, transaction.signing_hash, hasher=None)
    except ValueError as error:
        raise _unrecoverable(str(error)) from error
    return Address(keccak(key.format(compressed=False)[1:])[12:])


def recover_senders(
    transactions: Sequence[DecodedTransaction], executor: Executor | None = None
) -> list[Address | SenderRecoveryError]:
    """Address, or why there is none, of each transaction.

    Recovery releases the interpreter lock: with a thread pool as ``executor``
    the batch is shared out among its threads.
    """
    if executor is None:
        return _recover_each(transactions)
    starts = range(0, len(transactions), _SENDERS_PER_TASK)
    parts = [transactions[start : start + _SENDERS_PER_TASK] for start in starts]
    return list(chain.from_iterable(executor.map(_recover_each, parts)))


def _recover_each(
    transactions: Sequence[DecodedTransaction],
) -> list[Address | SenderRecoveryError]:
    results: list[Address | SenderRecoveryError] = []
    for transaction in transactions:
        try:
            results.append(recover_sender(transaction))
        except SenderRecoveryError as error:
            results.append(error)
    return results


def _unrecoverable(detail: str) -> SenderRecoveryError:
    return SenderRecoveryError(skip_reasons.INVALID_SIGNATURE, detail)


def intrinsic_gas(transaction: DecodedTransaction) -> int:
    """Least gas limit that a block accepts under Prague (EIP-2, 2028, 2930, 3860, 7623, 7702)."""
    zero_bytes = transaction.data.count(0)
    tokens = zero_bytes + 4 * (len(transaction.data) - zero_bytes)
    slots = sum(len(slots) for _, slots in transaction.access_list)
    gas = (
        _TRANSACTION_GAS
        + _DATA_TOKEN_GAS * tokens
        + _ACCESS_LIST_ADDRESS_GAS * len(transaction.access_list)
        + _ACCESS_LIST_SLOT_GAS * slots
        + _AUTHORIZATION_GAS * transaction.authorization_count
    )
    if transaction.to is None:
        words = (len(transaction.data) + 31) // 32
        gas += _CREATION_GAS + _INITCODE_WORD_GAS * words
    floor = _TRANSACTION_GAS + _DATA_TOKEN_FLOOR_GAS * tokens
    return max(gas, floor)
