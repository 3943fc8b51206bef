"""Parameters of JSON-RPC requests: from untrusted JSON to the types of this project.

Every function takes any JSON value and either returns a value within its bounds
or raises :class:`InvalidParams`. Nothing here costs more than the length of its input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from execution.types import Address, CallRequest, Hash32
from gateway.errors import InvalidParams

T = TypeVar("T")

ZERO_ADDRESS: Final = Address(bytes(20))


class BlockTag(StrEnum):
    """Names for blocks that move."""

    EARLIEST = "earliest"
    FINALIZED = "finalized"
    SAFE = "safe"
    LATEST = "latest"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class BlockHash:
    """A block named by its hash (EIP-1898)."""

    block_hash: Hash32


BlockReference = BlockTag | BlockHash | int


class Params:
    """Positional parameters of one request."""

    __slots__ = ("_values",)

    def __init__(self, values: object) -> None:
        if values is None:
            values = []
        if not isinstance(values, list):
            raise InvalidParams("params have to be an array")
        self._values: list[Any] = values

    def at_most(self, count: int) -> None:
        """Refuse more than ``count`` parameters."""
        if len(self._values) > count:
            raise InvalidParams(f"too many arguments, want at most {count}")

    def required(self, index: int) -> Any:
        """The parameter at ``index``, of any JSON type."""
        value = self.optional(index)
        if value is None:
            raise InvalidParams(f"missing value for required argument {index}")
        return value

    def optional(self, index: int) -> Any:
        """The parameter at ``index``, or ``None``."""
        return self._values[index] if index < len(self._values) else None


def quantity(value: object, bits: int = 64) -> int:
    """An unsigned integer in Ethereum's hex notation, or a plain JSON integer.

    Leading zeros are let through, since clients send them.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str):
        number = _hex_integer(value, bits)
    else:
        raise InvalidParams(f"expected a hex quantity, got {_kind(value)}")
    if not 0 <= number < 1 << bits:
        raise InvalidParams(f"quantity does not fit {bits} bits")
    return number


def data(value: object) -> bytes:
    """A byte string in 0x-hex."""
    if not isinstance(value, str):
        raise InvalidParams(f"expected hex data, got {_kind(value)}")
    if not value.startswith(("0x", "0X")):
        raise InvalidParams("hex string without 0x prefix")
    try:
        raw = bytes.fromhex(value[2:])
    except ValueError as error:
        raise InvalidParams("invalid hex string") from error
    has_only_digits = len(value) == 2 + 2 * len(raw)
    if not has_only_digits:
        raise InvalidParams("invalid hex string")
    return raw


def address(value: object) -> Address:
    """A 20-byte address; its checksum is not looked at."""
    return Address(_exactly(value, 20))


def hash32(value: object) -> Hash32:
    """A 32-byte hash."""
    return Hash32(_exactly(value, 32))


def storage_slot(value: object) -> int:
    """A storage slot: clients send a quantity, or 32 bytes."""
    return quantity(value, 256)


def boolean(value: object) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise InvalidParams(f"expected a boolean, got {_kind(value)}")
    return value


def array(value: object, limit: int) -> Sequence[Any]:
    """A JSON array of at most ``limit`` items."""
    if not isinstance(value, list):
        raise InvalidParams(f"expected an array, got {_kind(value)}")
    if len(value) > limit:
        raise InvalidParams(f"{len(value)} items in an array, limit is {limit}")
    return value


def record(value: object) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise InvalidParams(f"expected an object, got {_kind(value)}")
    return value


def choice(value: object, options: Mapping[str, T]) -> T:
    """One of some names."""
    if not isinstance(value, str) or value not in options:
        raise InvalidParams(f"expected one of {', '.join(options)}")
    return options[value]


def block_reference(value: object, default: BlockTag = BlockTag.LATEST) -> BlockReference:
    """A tag, a number, a hash, or an object with ``blockHash`` or ``blockNumber`` (EIP-1898)."""
    if value is None:
        return default
    if isinstance(value, str):
        if value in _TAGS:
            return _TAGS[value]
        if len(value) == 66:
            return BlockHash(hash32(value))
    if isinstance(value, dict):
        if "blockHash" in value:
            return BlockHash(hash32(value["blockHash"]))
        if "blockNumber" in value:
            return quantity(value["blockNumber"])
        raise InvalidParams("a block object needs blockHash or blockNumber")
    return quantity(value)


def call_request(value: object, gas_cap: int) -> CallRequest:
    """The call object of ``eth_call`` and ``eth_estimateGas``.

    ``gas`` above ``gas_cap`` is lowered to it, as geth does. An access list is
    accepted and has no effect: it changes what a call costs, not what it does.
    """
    fields = record(value)
    to = fields.get("to")
    gas = fields.get("gas")
    price = fields.get("gasPrice")
    max_fee = fields.get("maxFeePerGas")
    if price is not None and max_fee is not None:
        raise InvalidParams("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    paid = price if price is not None else max_fee
    return CallRequest(
        sender=ZERO_ADDRESS if fields.get("from") is None else address(fields["from"]),
        to=None if to is None else address(to),
        data=_call_data(fields),
        value_wei=_optional_quantity(fields.get("value"), 256),
        gas_limit=None if gas is None else min(quantity(gas), gas_cap),
        gas_price_wei=_optional_quantity(paid, 256),
    )


def _call_data(fields: Mapping[str, Any]) -> bytes:
    given = [data(fields[name]) for name in ("input", "data") if fields.get(name) is not None]
    if len(given) == 2 and given[0] != given[1]:
        raise InvalidParams('both "data" and "input" are set and not equal')
    return given[0] if given else b""


def _optional_quantity(value: object, bits: int) -> int:
    return 0 if value is None else quantity(value, bits)


def _hex_integer(value: str, bits: int) -> int:
    digits = value[2:]
    is_hex = value.startswith(("0x", "0X")) and digits != "" and _HEX_DIGITS.issuperset(digits)
    if not is_hex:
        raise InvalidParams("expected a hex quantity with 0x prefix")
    # 32 bytes of padding is what clients send for slots; more is refused before it is parsed.
    if len(digits) > max(64, bits // 4):
        raise InvalidParams(f"quantity does not fit {bits} bits")
    return int(digits, 16)


def _exactly(value: object, length: int) -> bytes:
    raw = data(value)
    if len(raw) != length:
        raise InvalidParams(f"{len(raw)} bytes, expected {length}")
    return raw


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "an unknown type")


_TAGS: Final = {tag.value: tag for tag in BlockTag}
_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
_KINDS: Final = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
