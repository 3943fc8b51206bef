"""The order in which the contract asks queries: by their indices' bits in reverse.

So neighbours share the upper parts of their Merkle paths (`Queue.sol`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A query in the contract's order.

    Attributes
    ----------
    number
        Its number in the proof.
    index
        Where it asks, in the largest domain.
    """

    number: int
    index: int


def in_order(indices: Sequence[int], log_size: int) -> list[Place]:
    """Sort queries; those with equal indices stay in the proof's order."""
    places = [Place(number, index) for number, index in enumerate(indices)]
    return sorted(places, key=lambda place: reverse_bits(place.index, log_size))


def reverse_bits(number: int, count: int) -> int:
    """Return the lowest `count` bits in reverse."""
    return int(format(number, f"0{count}b")[::-1], 2) if count else 0


def meeting_level(index: int, before: int | None, log_size: int) -> int:
    """Level of a tree at which a path meets that of the query before: 0, the root, for the first.

    Node i of level l is on the path of all indices that are i modulo 2^l; one level below the
    lowest common node the paths still differ. `log_size + 1` if the indices are equal.
    """
    if before is None:
        return 0
    difference = index ^ before
    shared = (difference & -difference).bit_length() - 1 if difference else log_size
    return shared + 1
