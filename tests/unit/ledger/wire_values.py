"""Every wire type of the ledger, and values of them made from their annotations.

Run as a script, it prints the golden vectors: only to be stored anew when the
encoding is changed on purpose.
"""

import json
import sys
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields
from enum import IntEnum
from typing import Annotated, Any, get_args, get_origin

import ledger.block
import ledger.crossing
import ledger.epochs
import ledger.evidence
import ledger.genesis
import ledger.membership
import ledger.votes
from ledger.bounds import AtMost, Exactly, Uint
from ledger.codec import encode

_MODULES = (
    ledger.votes,
    ledger.block,
    ledger.evidence,
    ledger.crossing,
    ledger.genesis,
    ledger.membership,
    ledger.epochs,
)


def wire_types() -> list[type]:
    """All wire types that the ledger itself defines, by name."""
    found = {
        value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and _is_wire(value)
    }
    return sorted(found, key=lambda value: value.__name__)


def _is_wire(value: type) -> bool:
    from ledger.codec import _TAGS

    return value in _TAGS


def field_hints(value_type: type) -> list[Any]:
    """Annotations of the fields, in their order."""
    hints = typing.get_type_hints(value_type, include_extras=True)
    return [hints[field.name] for field in fields(value_type)]


def bare(hint: Any) -> Any:
    """The type under a NewType."""
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    return hint


def is_union(hint: Any) -> bool:
    return get_origin(hint) in (typing.Union, types.UnionType)


def smallest(hint: Any) -> Any:
    """The value with the shortest encoding."""
    if get_origin(hint) is Annotated:
        inner, bound = get_args(hint)
        inner = bare(inner)
        if inner is int:
            return 0
        if inner is bytes:
            return bytes(bound.length if isinstance(bound, Exactly) else 0)
        return "" if inner is str else ()
    if is_union(hint):
        return smallest(get_args(hint)[0])
    if hint is bool:
        return False
    if issubclass(hint, IntEnum):
        return next(iter(hint))
    return hint(*(smallest(entry) for entry in field_hints(hint)))


def filled(hint: Any, seed: Iterator[int]) -> Any:
    """A value in which every field has something else, and every sequence two items."""
    turn = next(seed)
    if get_origin(hint) is Annotated:
        inner, bound = get_args(hint)
        return _filled_bounded(bare(inner), bound, turn, seed)
    if is_union(hint):
        members = get_args(hint)
        return filled(members[turn % len(members)], seed)
    if hint is bool:
        return True
    if issubclass(hint, IntEnum):
        return list(hint)[-1]
    return hint(*(filled(entry, seed) for entry in field_hints(hint)))


def _filled_bounded(inner: Any, bound: object, turn: int, seed: Iterator[int]) -> Any:
    if isinstance(bound, Uint):
        # A number of full width, different each time.
        return (1 << bound.bits) - 1 - turn
    if isinstance(bound, Exactly):
        return bytes((turn + place) % 256 for place in range(bound.length))
    assert isinstance(bound, AtMost)
    if inner is bytes:
        return bytes((turn * 7 + place) % 256 for place in range(min(bound.length, 40)))
    if inner is str:
        return f"näme-{turn}"
    item = get_args(inner)[0]
    return tuple(filled(item, seed) for _ in range(2))


def counter() -> Iterator[int]:
    return iter(range(1, 1 << 20))


VARIANTS: dict[str, Callable[[type], Any]] = {
    "smallest": smallest,
    "filled": lambda value_type: filled(value_type, counter()),
}


def samples() -> dict[str, Any]:
    """Two values per wire type, by name."""
    return {
        f"{value_type.__name__}/{variant}": make(value_type)
        for value_type in wire_types()
        for variant, make in VARIANTS.items()
    }


if __name__ == "__main__":
    vectors = {name: encode(value).hex() for name, value in samples().items()}
    sys.stdout.write(json.dumps(vectors, indent=1) + "\n")
