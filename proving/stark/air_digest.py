"""One hash over everything that chips demand, so that a verifying key is for these chips only.

Expressions are written as a list of distinct nodes, operands first, in the order in which the
constraints and interactions need them: the same polynomials written the same way give the same
bytes, whatever objects they share. Names of constraints are left out, since they demand nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from proving.air.chip import Air, Domain
from proving.air.expression import (
    Cell,
    Constant,
    Difference,
    Expression,
    Parameter,
    Product,
    Source,
    Sum,
)
from proving.air.normal_form import operands_first

DOMAIN_NUMBERS = {
    Domain.EVERY_ROW: 0,
    Domain.FIRST_ROW: 1,
    Domain.LAST_ROW: 2,
    Domain.TRANSITION: 3,
}
SOURCE_NUMBERS = {Source.PREPROCESSED: 0, Source.MAIN: 1}


def air_digest(air: Air) -> bytes:
    """Return the SHA-256 digest of a chip."""
    nodes: dict[bytes, int] = {}
    numbers: dict[int, int] = {}
    for node in operands_first(_expressions(air)):
        record = _record(node, numbers)
        numbers[id(node)] = nodes.setdefault(record, len(nodes))

    writer = hashlib.sha256(b"braid air 1")
    writer.update(_text(air.name) + _words((air.main_width, air.preprocessed_width, len(nodes))))
    for record in nodes:
        writer.update(record)
    writer.update(_words((len(air.constraints), len(air.interactions))))
    for constraint in air.constraints:
        domain = DOMAIN_NUMBERS[constraint.domain]
        writer.update(_words((domain, numbers[id(constraint.expression)])))
    for interaction in air.interactions:
        values = [numbers[id(value)] for value in interaction.values]
        multiplicity = numbers[id(interaction.multiplicity)]
        header = (interaction.bus.identifier, len(values), multiplicity)
        writer.update(_words((*header, *values)))
    return writer.digest()


def parameter_names(air: Air) -> set[str]:
    """Return the names of all parameters that a chip refers to."""
    nodes = operands_first(_expressions(air))
    return {node.name for node in nodes if isinstance(node, Parameter)}


def _expressions(air: Air) -> list[Expression]:
    expressions = [constraint.expression for constraint in air.constraints]
    for interaction in air.interactions:
        expressions += [*interaction.values, interaction.multiplicity]
    return expressions


def _record(node: Expression, numbers: dict[int, int]) -> bytes:
    match node:
        case Constant():
            return b"c" + _words((node.value,))
        case Parameter():
            return b"p" + _text(node.name)
        case Cell():
            return b"x" + _words((SOURCE_NUMBERS[node.source], node.index, node.is_next))
        case Sum():
            return b"+" + _words((numbers[id(node.left)], numbers[id(node.right)]))
        case Difference():
            return b"-" + _words((numbers[id(node.left)], numbers[id(node.right)]))
        case Product():
            return b"*" + _words((numbers[id(node.left)], numbers[id(node.right)]))
        case _:
            raise TypeError(f"unknown expression {node!r}")


def _words(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in values)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(4, "big") + encoded
