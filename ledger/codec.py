"""The one canonical codec: MessagePack arrays with bounded fields.

A wire type is a frozen dataclass under :func:`wire`, which gives it a tag. Its
encoding is ``[tag, field, field, ...]`` in the order of declaration, with each
field encoded by its annotation:

===============================  ==========================================
``Annotated[int, Uint(bits)]``   integer; above 64 bits shortest big-endian bytes
``Annotated[bytes, Exactly(n)]`` byte string
``Annotated[bytes, AtMost(n)]``  byte string
``Annotated[str, AtMost(n)]``    UTF-8 text
``Annotated[tuple[T, ...], AtMost(n)]``  array
``bool``, an ``IntEnum``         boolean, integer
a wire type, a union of them     ``[tag, ...]``
===============================  ==========================================

No maps, floats, nil or extension types. An encoding is canonical: one value has
one byte string, and :func:`decode` refuses every other one. Nothing outside
this module parses bytes that came from a peer or from disk.
"""

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from typing import Annotated, Any, TypeVar, Union, cast, dataclass_transform, get_args, get_origin

import msgpack

from ledger.bounds import AtMost, Exactly, Uint
from ledger.errors import Malformed, NonCanonical, OutOfBounds, TooLarge, UnknownTag

# A tree as MessagePack gives it: int, bool, bytes, str or a list of trees.
Tree = Any
_Pack = Callable[[Any], Tree]
_Unpack = Callable[[Tree], Any]

T = TypeVar("T")

MAX_ARRAY_ITEMS = 1 << 16


@dataclass(frozen=True, slots=True)
class _Schema:
    """How one type goes into a tree and comes out of it."""

    pack: _Pack
    unpack: _Unpack


_TAGS: dict[type, int] = {}
_TYPES: dict[int, type] = {}
_SCHEMAS: dict[type, _Schema] = {}


@dataclass_transform(frozen_default=True)
def wire(tag: int) -> Callable[[type[T]], type[T]]:
    """Make a class a frozen dataclass with a wire encoding under ``tag``.

    Raises
    ------
    ValueError
        If another class has the tag already.
    """

    def register(cls: type[T]) -> type[T]:
        if tag in _TYPES:
            raise ValueError(f"tag {tag} is taken by {_TYPES[tag].__name__}")
        value_type = dataclass(frozen=True, slots=True)(cls)
        _TAGS[value_type] = tag
        _TYPES[tag] = value_type
        return value_type

    return register


def encode(value: object) -> bytes:
    """Canonical encoding of an instance of a wire type.

    Raises
    ------
    OutOfBounds
        If a field breaks its bound: nothing that :func:`decode` would refuse is ever sent.
    """
    return cast(bytes, msgpack.packb(_schema(type(value)).pack(value), use_bin_type=True))


def decode(raw: bytes, *expected: type[T], limit_bytes: int) -> T:
    """Decode bytes from outside into one of the ``expected`` wire types.

    Raises
    ------
    CodecError
        One of its subclasses, for every byte string that is not the canonical
        encoding of such a value. No other exception escapes.
    """
    if len(raw) > limit_bytes:
        raise TooLarge(len(raw), limit_bytes)
    value = _unpack_tagged(_parse(raw), expected)
    if encode(value) != raw:
        raise NonCanonical("not the shortest encoding of its value")
    return cast(T, value)


def decode_leading(
    raw: bytes, expected: type[T], field_count: int, *, limit_bytes: int
) -> tuple[Any, ...]:
    """The first fields of a wire type, whatever follows them: to name what cannot be decoded.

    Raises
    ------
    CodecError
        If the bytes are not of that type, or do not start with these fields.
    """
    if len(raw) > limit_bytes:
        raise TooLarge(len(raw), limit_bytes)
    tree = _parse(raw)
    has_fields = type(tree) is list and tree[:1] == [_TAGS[expected]] and len(tree) > field_count
    if not has_fields:
        raise Malformed(f"not the beginning of a {expected.__name__}")
    hints = typing.get_type_hints(expected, include_extras=True)
    names = [field.name for field in fields(cast(Any, expected))][:field_count]
    return tuple(
        _field_schema(hints[name]).unpack(item) for name, item in zip(names, tree[1:], strict=False)
    )


def to_plain(value: object) -> dict[str, Any]:
    """A JSON-ready view of a wire value: bytes as 0x-hex, wide integers as text."""
    assert is_dataclass(value)
    plain: dict[str, Any] = {"type": type(value).__name__}
    for field in fields(value):
        plain[field.name] = _plain(getattr(value, field.name))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value < 1 << 53 else str(value)
    if is_dataclass(value):
        return to_plain(value)
    return value


def _parse(raw: bytes) -> Tree:
    try:
        _check_complete(raw)
        return msgpack.unpackb(
            raw,
            raw=False,
            use_list=True,
            max_array_len=MAX_ARRAY_ITEMS,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise Malformed(f"not a MessagePack value of ours: {error}") from error


def _check_complete(raw: bytes) -> None:
    """Refuse bytes whose headers promise more than follows, before anything is allocated.

    The unpacker allocates an array when it reads its length: without this pass five
    bytes would cost half a megabyte, and nested ones that many times.
    """
    unpacker = msgpack.Unpacker(max_buffer_size=max(1, len(raw)))
    unpacker.feed(raw)
    unpacker.skip()
    if unpacker.tell() != len(raw):
        raise Malformed(f"{len(raw) - unpacker.tell()} bytes follow the value")


def _unpack_tagged(tree: Tree, expected: tuple[type, ...]) -> Any:
    has_tag = type(tree) is list and len(tree) > 0 and type(tree[0]) is int
    if not has_tag:
        raise Malformed("expected an array with a leading tag")
    value_type = _TYPES.get(tree[0])
    if value_type is None or value_type not in expected:
        names = ", ".join(candidate.__name__ for candidate in expected)
        raise UnknownTag(f"tag {tree[0]} where one of {names} was expected")
    return _schema(value_type).unpack(tree)


def _schema(value_type: type) -> _Schema:
    schema = _SCHEMAS.get(value_type)
    if schema is None:
        schema = _SCHEMAS[value_type] = _build_wire_schema(value_type)
    return schema


def _build_wire_schema(value_type: type) -> _Schema:
    tag = _TAGS.get(value_type)
    if tag is None:
        raise TypeError(f"{value_type.__name__} is not a wire type")
    hints = typing.get_type_hints(value_type, include_extras=True)
    names = [field.name for field in fields(value_type)]
    parts = [(name, _field_schema(hints[name])) for name in names]
    length = len(parts) + 1

    def pack(value: Any) -> Tree:
        try:
            return [tag, *(schema.pack(getattr(value, name)) for name, schema in parts)]
        except OutOfBounds as error:
            raise OutOfBounds(f"{value_type.__name__}: {error}") from error

    def unpack(tree: Tree) -> Any:
        is_right_shape = type(tree) is list and len(tree) == length and tree[0] == tag
        if not is_right_shape:
            raise Malformed(f"{value_type.__name__}: expected an array of {length} items")
        return value_type(
            *(schema.unpack(item) for (_, schema), item in zip(parts, tree[1:], strict=True))
        )

    return _Schema(pack, unpack)


def _field_schema(hint: Any) -> _Schema:
    if get_origin(hint) is Annotated:
        inner, *bounds = get_args(hint)
        return _bounded_schema(_supertype(inner), bounds[0])
    if get_origin(hint) in (Union, types.UnionType):
        return _union_schema(get_args(hint))
    if hint is bool:
        return _Schema(_check_bool, _check_bool)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return _enum_schema(hint)
    if isinstance(hint, type) and hint in _TAGS:
        return _union_schema((hint,))
    raise TypeError(f"no encoding for the annotation {hint!r}")


def _supertype(hint: Any) -> Any:
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    return hint


def _bounded_schema(inner: Any, bound: object) -> _Schema:
    if inner is int and isinstance(bound, Uint):
        return _narrow_int_schema(bound) if bound.bits <= 64 else _wide_int_schema(bound)
    if inner is bytes and isinstance(bound, Exactly):
        return _bytes_schema(bound.length, bound.length)
    if inner is bytes and isinstance(bound, AtMost):
        return _bytes_schema(0, bound.length)
    if inner is str and isinstance(bound, AtMost):
        return _text_schema(bound.length)
    if get_origin(inner) is tuple and isinstance(bound, AtMost):
        return _tuple_schema(_field_schema(get_args(inner)[0]), bound.length)
    raise TypeError(f"no encoding for {inner!r} with {bound!r}")


def _check_bool(value: Any) -> bool:
    if type(value) is not bool:
        raise Malformed("expected a boolean")
    return value


def _narrow_int_schema(bound: Uint) -> _Schema:
    limit = 1 << bound.bits

    def check(value: Any) -> int:
        if type(value) is not int:
            raise Malformed("expected an integer")
        if not 0 <= value < limit:
            raise OutOfBounds(f"{value} is not an unsigned {bound.bits}-bit integer")
        return value

    return _Schema(check, check)


def _wide_int_schema(bound: Uint) -> _Schema:
    max_bytes = bound.bits // 8

    def pack(value: Any) -> bytes:
        if type(value) is not int or not 0 <= value < 1 << bound.bits:
            raise OutOfBounds(f"{value} is not an unsigned {bound.bits}-bit integer")
        return value.to_bytes((value.bit_length() + 7) // 8, "big")

    def unpack(tree: Tree) -> int:
        if type(tree) is not bytes:
            raise Malformed("expected a wide integer as bytes")
        if len(tree) > max_bytes:
            raise OutOfBounds(f"{len(tree)} bytes in an integer of {max_bytes}")
        return int.from_bytes(tree, "big")

    return _Schema(pack, unpack)


def _bytes_schema(minimum: int, maximum: int) -> _Schema:
    def check(value: Any) -> bytes:
        if type(value) is not bytes:
            raise Malformed("expected bytes")
        if not minimum <= len(value) <= maximum:
            raise OutOfBounds(f"{len(value)} bytes, expected {minimum} to {maximum}")
        return value

    return _Schema(check, check)


def _text_schema(maximum: int) -> _Schema:
    def check(value: Any) -> str:
        if type(value) is not str:
            raise Malformed("expected text")
        try:
            length = len(value.encode())
        except UnicodeEncodeError as error:
            raise OutOfBounds(f"text that UTF-8 cannot say: {error}") from error
        if length > maximum:
            raise OutOfBounds(f"text longer than {maximum} bytes")
        return value

    return _Schema(check, check)


def _tuple_schema(item: _Schema, maximum: int) -> _Schema:
    def pack(value: Any) -> list[Tree]:
        if type(value) is not tuple:
            raise Malformed("expected a tuple")
        if len(value) > maximum:
            raise OutOfBounds(f"{len(value)} items, expected at most {maximum}")
        return [item.pack(member) for member in value]

    def unpack(tree: Tree) -> tuple[Any, ...]:
        if type(tree) is not list:
            raise Malformed("expected an array")
        if len(tree) > maximum:
            raise OutOfBounds(f"{len(tree)} items, expected at most {maximum}")
        return tuple([item.unpack(member) for member in tree])

    return _Schema(pack, unpack)


def _enum_schema(enum_type: type[IntEnum]) -> _Schema:
    def pack(value: Any) -> int:
        return int(enum_type(value))

    def unpack(tree: Tree) -> IntEnum:
        if type(tree) is not int:
            raise Malformed("expected an integer")
        try:
            return enum_type(tree)
        except ValueError as error:
            raise OutOfBounds(f"{tree} is no {enum_type.__name__}") from error

    return _Schema(pack, unpack)


def _union_schema(members: tuple[type, ...]) -> _Schema:
    def pack(value: Any) -> Tree:
        if type(value) not in members:
            raise OutOfBounds(f"{type(value).__name__} is not allowed here")
        return _schema(type(value)).pack(value)

    return _Schema(pack, lambda tree: _unpack_tagged(tree, members))
