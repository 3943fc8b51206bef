"""Trace of `proving.chips.secp256k1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proving.chips.secp256k1 import SECP256K1
from proving.chips.secp256k1_field import HIGHEST_LIMB
from proving.chips.secp256k1_identities import (
    BIAS,
    SIGN_WEIGHTS,
    SLOPE_PLAN,
    SLOPE_QUOTIENT_BIAS,
    SQUARED_BIAS,
    X_PLAN,
    X_QUOTIENT_BIAS,
    Y_PLAN,
    Abscissa,
    Cells,
    Identities,
)
from proving.chips.wide import NUMBER_BYTES, NUMBER_LIMBS
from proving.machine import records as field
from proving.machine.layout import SECP256K1_FIELD_MODULUS as PRIME
from proving.machine.layout import SECP256K1_READ_OFFSET, SECP256K1_WRITE_OFFSET, Ecall
from proving.traces.byte_limbs import canonical
from proving.traces.columns import Column, Matrix, matrix_of
from proving.traces.ecall import call_trace, word_limbs, words_trace
from proving.traces.field import inverses
from proving.traces.wide import (
    Integers,
    byte_trace,
    bytes_of_limbs,
    bytes_of_numbers,
    carry_trace,
    integer_rows,
    limbs_of_numbers,
    numbers_of_limbs,
    split_trace,
)

NUMBER_BITS = 8 * NUMBER_BYTES
NUMBER_END = 1 << NUMBER_BITS


@dataclass(frozen=True, slots=True)
class Witness:
    """What the prover adds to each row's coordinates.

    Attributes
    ----------
    slope
        Any number in [-BIAS, 2^256 - BIAS).
    slope_quotient, x_quotient, y_quotient
        How often p fits what the identities compare.
    """

    slope: int
    slope_quotient: int
    x_quotient: int
    y_quotient: int


def trace(records: Matrix) -> Matrix:
    """Columns of the chip, padded.

    Parameters
    ----------
    records
        Shape (rows, SECP256K1_FIELD_COUNT), as the executor writes them; at least one row.
    """
    columns = point_columns(records)
    return matrix_of(SECP256K1, columns | proof_columns(columns, witnesses_of(columns)))


def point_columns(records: Matrix) -> dict[str, Matrix]:
    """Columns of the call and of the three points."""
    is_double = records[:, field.ECALL_NUMBER_VALUE] == Ecall.SECP256K1_DOUBLE
    before = words_trace("before", records, field.SECP256K1_P, SECP256K1_WRITE_OFFSET)
    other = words_trace("other", records, field.SECP256K1_Q, SECP256K1_READ_OFFSET)
    y1 = before["before"][NUMBER_LIMBS:]
    other["other"][:NUMBER_LIMBS, is_double] = y1[:, is_double]
    return {
        **call_trace(records, ("point", "other_pointer")),
        "is_double": is_double.astype(np.uint32),
        **before,
        **other,
        "after": word_limbs(records[:, field.SECP256K1_P.new_values]),
    }


def witnesses_of(columns: Mapping[str, Matrix]) -> list[Witness]:
    """Slopes and quotients of rows whose result is right."""
    rows = list(_numbers(columns))
    inverses = _batch_inverses([row.divisor for row in rows])
    return [row.witness(inverse) for row, inverse in zip(rows, inverses, strict=True)]


def proof_columns(columns: Mapping[str, Matrix], witnesses: Sequence[Witness]) -> dict[str, Matrix]:
    """Columns that prove the result, from the points and the witnesses."""
    x1, y1 = columns["before"][:NUMBER_LIMBS], columns["before"][NUMBER_LIMBS:]
    x2, y2 = columns["other"][:NUMBER_LIMBS], columns["other"][NUMBER_LIMBS:]
    x3, y3 = columns["after"][:NUMBER_LIMBS], columns["after"][NUMBER_LIMBS:]
    is_double = columns["is_double"]
    is_add = np.uint32(1) - is_double

    slope = bytes_of_numbers((row.slope + BIAS for row in witnesses), NUMBER_BYTES)
    slope_quotients = [row.slope_quotient for row in witnesses]
    x_quotients = [row.x_quotient + X_QUOTIENT_BIAS for row in witnesses]
    y_quotients = [row.y_quotient for row in witnesses]
    signs = _signs([(number >> NUMBER_BITS) + SLOPE_QUOTIENT_BIAS for number in slope_quotients])
    numbers = {
        "slope_quotient": limbs_of_numbers(number % NUMBER_END for number in slope_quotients),
        "x_quotient": limbs_of_numbers(x_quotients),
        "y_quotient": limbs_of_numbers(number % NUMBER_END for number in y_quotients),
    }
    is_negative = np.array([number < 0 for number in y_quotients], np.uint32)

    identities = Identities(
        Cells(
            is_add=_integers(is_add),
            is_double=_integers(is_double),
            x1=_abscissa(x1),
            y1=integer_rows(y1),
            x2=_abscissa(x2),
            y2=integer_rows(y2),
            x3=_abscissa(x3),
            y3=integer_rows(y3),
            slope=integer_rows(slope),
            slope_quotient=integer_rows(numbers["slope_quotient"]),
            slope_quotient_signs=[Integers(sign) for sign in signs],
            x_quotient=integer_rows(numbers["x_quotient"]),
            y_quotient=integer_rows(numbers["y_quotient"]),
            y_quotient_is_negative=_integers(is_negative),
        )
    )
    differences = bytes_of_limbs(x1).astype(np.int64) - bytes_of_limbs(x2)
    distance = (differences * differences).sum(axis=0)
    coordinates = {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "x3": x3, "y3": y3}
    result = {
        **split_trace("x1", x1),
        **split_trace("x2", x2),
        **split_trace("x3", x3),
        **byte_trace("slope", slope),
        **numbers,
        "slope_quotient_signs": canonical(signs),
        "y_quotient_is_negative": is_negative,
        "slope_carry": carry_trace(SLOPE_PLAN, identities.slope),
        "x_carry": carry_trace(X_PLAN, identities.x),
        "y_carry": carry_trace(Y_PLAN, identities.y),
        "distance_inverse": inverses(canonical(distance)) * is_add,
        "ordinate_inverse": inverses(canonical(y1.sum(axis=0, dtype=np.int64))) * is_double,
    }
    for name, limbs in coordinates.items():
        when = is_add if name in ("x2", "y2") else np.ones_like(is_add)
        result |= canonical_trace(name, limbs, when)
    return result


def canonical_trace(name: str, limbs: Matrix, when: Column) -> dict[str, Column]:
    """Columns of `assert_canonical`, for numbers below p where `when` is 1."""
    complement = HIGHEST_LIMB - limbs.astype(np.int64)
    second = complement[1]
    distance = complement[2] + 2 * complement[3:].sum(axis=0)
    is_close = (distance == 1) & (when != 0)
    by_second = is_close & (second > 0)
    inverse = inverses(canonical(np.where(by_second, second, distance * (distance - 1))))
    return {
        f"{name}_is_close_by_second": by_second.astype(np.uint32),
        f"{name}_is_close_by_first": (is_close & ~by_second).astype(np.uint32),
        f"{name}_inverse": inverse * when,
    }


@dataclass(frozen=True, slots=True)
class _Row:
    """Coordinates of one row; x2 and y2 do not matter in a doubling."""

    is_double: bool
    x1: int
    y1: int
    x2: int
    y2: int
    x3: int
    y3: int

    @property
    def divisor(self) -> int:
        """What the slope is multiplied by."""
        return 2 * self.y1 if self.is_double else self.x2 - self.x1

    def witness(self, inverse: int) -> Witness:
        """Witness, given the divisor's inverse modulo p."""
        rise = 3 * self.x1 * self.x1 if self.is_double else self.y2 - self.y1
        slope = rise * inverse % PRIME
        if slope + BIAS >= NUMBER_END:
            slope -= PRIME
        unbiased = 3 * BIAS * BIAS - SQUARED_BIAS if self.is_double else 0
        other = self.x1 if self.is_double else self.x2
        return Witness(
            slope=slope,
            slope_quotient=(slope * self.divisor - rise + unbiased) // PRIME,
            x_quotient=(slope * slope - self.x1 - other - self.x3) // PRIME,
            y_quotient=(slope * (self.x1 - self.x3) - self.y1 - self.y3) // PRIME,
        )


def _numbers(columns: Mapping[str, Matrix]) -> map[_Row]:
    coordinates = [
        numbers_of_limbs(part)
        for name in ("before", "other", "after")
        for part in np.split(columns[name], 2)
    ]
    return map(_Row, (columns["is_double"] != 0).tolist(), *coordinates)


def _batch_inverses(numbers: Sequence[int]) -> list[int]:
    """Inverses modulo p of numbers that are not multiples of it, with one inversion in all."""
    products = [1]
    for number in numbers:
        products.append(products[-1] * number % PRIME)
    inverse = pow(products[-1], -1, PRIME)
    inverses = []
    for number, before in zip(reversed(numbers), reversed(products[:-1]), strict=True):
        inverses.append(inverse * before % PRIME)
        inverse = inverse * number % PRIME
    return inverses[::-1]


def _signs(tops: Sequence[int]) -> npt.NDArray[np.int64]:
    """Two numbers in {-1, 0, 1} whose weighted sum is the top: (2, rows)."""
    top = np.array(tops, np.int64)
    high = (top + 1) // SIGN_WEIGHTS[1]
    return np.stack([top - SIGN_WEIGHTS[1] * high, high])


def _integers(column: Column) -> Integers:
    return Integers(column.astype(np.int64))


def _abscissa(limbs: Matrix) -> Abscissa[Integers]:
    return Abscissa(integer_rows(limbs), integer_rows(bytes_of_limbs(limbs)))
