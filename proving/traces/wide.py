"""Columns of `proving.chips.wide`: bytes, carries and comparisons of many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proving.chips.byte_limbs import BYTE_BITS
from proving.chips.wide import (
    BYTES_PER_LIMB,
    GROUPS,
    NUMBER_BYTES,
    NUMBER_LIMBS,
    CarryPlan,
    Digits,
)
from proving.traces.byte_limbs import canonical
from proving.traces.columns import Column, Matrix


@dataclass(frozen=True, slots=True)
class Integers:
    """One integer per row. The digits of `proving.chips.wide` are far below 2^63."""

    values: npt.NDArray[np.int64]

    def __add__(self, other: Integers | int) -> Integers:
        return Integers(self.values + _values(other))

    def __sub__(self, other: Integers | int) -> Integers:
        return Integers(self.values - _values(other))

    def __mul__(self, other: Integers | int) -> Integers:
        return Integers(self.values * _values(other))


def integer_rows(columns: Matrix) -> tuple[Integers, ...]:
    """Each column as integers."""
    return tuple(Integers(column.astype(np.int64)) for column in columns)


# NUMBERS


def numbers_of_limbs(limbs: Matrix) -> list[int]:
    """Numbers of 256 bits, from their limbs (16, rows)."""
    raw = np.ascontiguousarray(limbs.T, "<u2").tobytes()
    return [
        int.from_bytes(raw[start : start + NUMBER_BYTES], "little")
        for start in range(0, len(raw), NUMBER_BYTES)
    ]


def bytes_of_numbers(numbers: Iterable[int], byte_count: int) -> Matrix:
    """Bytes of the numbers, lowest first: (byte_count, rows)."""
    raw = b"".join(number.to_bytes(byte_count, "little") for number in numbers)
    return np.frombuffer(raw, np.uint8).reshape(-1, byte_count).T.astype(np.uint32)


def limbs_of_numbers(numbers: Iterable[int]) -> Matrix:
    """Limbs of the numbers, lowest first: (16, rows)."""
    raw = b"".join(number.to_bytes(NUMBER_BYTES, "little") for number in numbers)
    return np.frombuffer(raw, "<u2").reshape(-1, NUMBER_LIMBS).T.astype(np.uint32)


def bytes_of_limbs(limbs: Matrix) -> Matrix:
    """Both bytes of each limb, the low one first."""
    halves = np.stack([limbs & np.uint32(0xFF), limbs >> np.uint32(BYTE_BITS)], axis=1)
    return halves.reshape(BYTES_PER_LIMB * len(limbs), -1)


def byte_digits(columns: Matrix) -> Digits[Integers]:
    """Bytes (count, rows) as digits."""
    return Digits(integer_rows(columns))


def limb_digits(columns: Matrix) -> Digits[Integers]:
    """Limbs (count, rows) as digits."""
    return Digits(integer_rows(columns), BYTES_PER_LIMB)


# COLUMNS


def split_trace(name: str, limbs: Matrix) -> dict[str, Matrix]:
    """Columns of `split_columns`."""
    low, high = limbs & np.uint32(0xFF), limbs >> np.uint32(BYTE_BITS)
    return {f"{name}_high_byte": high, f"{name}_conjunction": low & high}


def byte_trace(name: str, columns: Matrix) -> dict[str, Matrix]:
    """Columns of `byte_columns`."""
    return {name: columns, f"{name}_conjunction": columns[0::2] & columns[1::2]}


def carry_trace(plan: CarryPlan, identity: Callable[[int, int], Integers]) -> Matrix:
    """Carries of an identity that holds: (carries, rows). Of another one, rounded down."""
    carries: list[npt.NDArray[np.int64]] = []
    carried = Integers(np.zeros(1, np.int64))
    for group in plan.groups[:-1]:
        left = identity(group.start, group.length) + carried
        carried = Integers(left.values >> (BYTE_BITS * group.length))
        carries.append(carried.values)
    return canonical(np.stack(carries))


def comparison_trace(name: str, smaller: Matrix, larger: Matrix) -> dict[str, Column]:
    """Columns of `comparison_columns`, for limbs of numbers with `smaller < larger`."""
    differences = larger.astype(np.int64) - smaller.astype(np.int64)
    deciding = NUMBER_LIMBS - 1 - np.argmax(differences[::-1] != 0, axis=0)
    flags = np.arange(GROUPS - 1)[:, np.newaxis]
    gap = differences[deciding, np.arange(differences.shape[1])]
    return {
        f"{name}_group": (deciding // GROUPS == flags).astype(np.uint32),
        f"{name}_member": (deciding % GROUPS == flags).astype(np.uint32),
        f"{name}_gap": canonical(gap),
    }


def _values(value: Integers | int) -> npt.NDArray[np.int64] | int:
    return value if isinstance(value, int) else value.values
