"""Bounds that a field's annotation carries and the codec enforces."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Uint:
    """An unsigned integer of at most ``bits`` bits.

    Up to 64 bits it is a MessagePack integer, above that the shortest
    big-endian byte string.
    """

    bits: int


@dataclass(frozen=True, slots=True)
class Exactly:
    """A byte string of exactly ``length`` bytes."""

    length: int


@dataclass(frozen=True, slots=True)
class AtMost:
    """A byte string, text or sequence of at most ``length`` bytes, UTF-8 bytes or items."""

    length: int
