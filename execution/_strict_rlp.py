"""Strict RLP decoding of hostile bytes.

Only canonical encodings are taken, and nesting is bounded: rusty-rlp overflows
the stack on deep nesting and rlp costs 15 us per transaction, so this reader
serves transactions, which nest no deeper than four lists.
"""

from typing import Final, TypeAlias

RlpItem: TypeAlias = "bytes | list[RlpItem]"

MAX_DEPTH: Final = 4
"""A transaction, its access list, one of its entries, that entry's slots."""


class RlpError(ValueError):
    """The bytes are no canonical RLP of the bounded depth."""


def decode_fields(encoded: bytes) -> tuple[list[RlpItem], list[int]]:
    """Decode one list that takes up all of ``encoded``.

    Returns
    -------
    tuple
        The items, and positions in ``encoded``: where each item starts, then the end.

    Raises
    ------
    RlpError
        Not canonical, bytes missing or left over, no list, or nested too deep.
    """
    if not encoded or encoded[0] < 0xC0:
        raise RlpError("expected a list")
    end = len(encoded)
    position, list_end = _payload_bounds(encoded, 0, end)
    if list_end != end:
        raise RlpError(f"expected {list_end} bytes, got {end}")
    items: list[RlpItem] = []
    positions = [position]
    while position < end:
        item, position = _decode_item(encoded, position, end, MAX_DEPTH - 1)
        items.append(item)
        positions.append(position)
    return items, positions


def encode_list_header(payload_length: int) -> bytes:
    """Prefix of a list whose encoded items take ``payload_length`` bytes."""
    if payload_length <= 55:
        return bytes([0xC0 + payload_length])
    length = payload_length.to_bytes((payload_length.bit_length() + 7) // 8, "big")
    return bytes([0xF7 + len(length)]) + length


def encode_integer(value: int) -> bytes:
    """Encode an unsigned integer of at most 55 bytes."""
    if 0 < value < 0x80:
        return bytes([value])
    length = (value.bit_length() + 7) // 8
    return bytes([0x80 + length]) + value.to_bytes(length, "big")


def _decode_item(encoded: bytes, start: int, limit: int, depth: int) -> tuple[RlpItem, int]:
    if start >= limit:
        raise RlpError("expected an item, got the end")
    first = encoded[start]
    if first < 0x80:
        return encoded[start : start + 1], start + 1
    payload, end = _payload_bounds(encoded, start, limit)
    if first >= 0xC0:
        return _decode_items(encoded, payload, end, depth), end
    is_byte_in_long_form = first == 0x81 and encoded[payload] < 0x80
    if is_byte_in_long_form:
        raise RlpError("a single byte below 0x80 is its own encoding")
    return encoded[payload:end], end


def _decode_items(encoded: bytes, start: int, end: int, depth: int) -> list[RlpItem]:
    if depth == 0:
        raise RlpError(f"nested deeper than {MAX_DEPTH} lists")
    items: list[RlpItem] = []
    while start < end:
        item, start = _decode_item(encoded, start, end, depth - 1)
        items.append(item)
    return items


def _payload_bounds(encoded: bytes, start: int, limit: int) -> tuple[int, int]:
    first = encoded[start]
    short = first - (0xC0 if first >= 0xC0 else 0x80)
    payload = start + 1
    if short <= 55:
        end = payload + short
    else:
        payload += short - 55
        if payload > limit:
            raise RlpError("a length is cut off")
        length = int.from_bytes(encoded[start + 1 : payload], "big")
        is_canonical = length > 55 and encoded[start + 1] != 0
        if not is_canonical:
            raise RlpError("a length is not in its shortest form")
        end = payload + length
    if end > limit:
        raise RlpError(f"expected {end - payload} bytes, got {limit - payload}")
    return payload, end
