"""The bytes of a proof: one encoding for each proof, and nothing that depends on trust.

    4 bytes    magic
    1 byte     log height of each chip of the machine
    the rest   the fields of `Proof` in order, without lengths: key and heights determine them all

A reader computes the length from the heights and compares, before it reads on. So a hostile proof
costs no more than an honest one of the largest heights that the verifying key allows. Integers are
big-endian; field elements take 4 bytes and are canonical.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from proving.commitment.opening import Opening
from proving.errors import MalformedProof, NonCanonicalElement, WrongLength
from proving.field.extension import DEGREE, Extension
from proving.field.koalabear import P
from proving.fri.proof import FriProof
from proving.fri.schedule import fold_schedule
from proving.stark.instance import Instance, Tree
from proving.stark.keys import VerifyingKey
from proving.stark.proof import OpenedValues, Proof
from proving.transcript import DIGEST_BYTES, NONCE_BYTES

MAGIC = b"BRP1"
ELEMENT_BYTES = 4

TreeShape = tuple[tuple[int, ...], int]
"""Widths of a tree's matrices, and the length of its paths."""


def encode(proof: Proof) -> bytes:
    """Return the bytes of a proof."""
    parts = [MAGIC, bytes(proof.log_heights), proof.main_root]
    parts += [_nonce(proof.lookup_nonce), proof.lookup_root, _extensions(proof.sums)]
    parts += [proof.quotient_root, _extensions(proof.opened_values())]
    parts.append(_nonce(proof.batching_nonce))
    parts += proof.fri.layer_roots
    parts += [_extensions(proof.fri.final_polynomial), _nonce(proof.fri.nonce)]
    for openings in (*proof.fri.queries, *proof.queries):
        for opening in openings:
            parts += [_elements(row) for row in opening.rows]
            parts += opening.path
    return b"".join(parts)


def decode(key: VerifyingKey, encoded: bytes) -> tuple[Instance, Proof]:
    """Read a proof.

    Raises
    ------
    MalformedProof
        If these are not the bytes of a proof for this key, of a shape that the key allows.
    """
    # HEIGHTS
    header_bytes = len(MAGIC) + len(key.machine.chips)
    if len(encoded) < header_bytes:
        raise WrongLength("bytes of the header", header_bytes, len(encoded))
    if encoded[: len(MAGIC)] != MAGIC:
        raise MalformedProof("magic", MAGIC.hex(), encoded[: len(MAGIC)].hex())
    instance = Instance(key, tuple(encoded[len(MAGIC) : header_bytes]))

    # LENGTH
    shape = _Shape(instance)
    expected = header_bytes + shape.byte_count
    if len(encoded) != expected:
        raise WrongLength("bytes of the proof", expected, len(encoded))
    return instance, shape.read(_Reader(encoded, header_bytes))


class _Reader:
    """Reads from left to right; the caller has checked the length of the whole."""

    def __init__(self, encoded: bytes, position: int) -> None:
        self._encoded = encoded
        self._position = position

    def take(self, count: int) -> bytes:
        start, self._position = self._position, self._position + count
        return self._encoded[start : self._position]

    def digest(self) -> bytes:
        return self.take(DIGEST_BYTES)

    def nonce(self) -> int:
        return int.from_bytes(self.take(NONCE_BYTES), "big")

    def elements(self, count: int) -> tuple[int, ...]:
        values = struct.unpack(f">{count}I", self.take(ELEMENT_BYTES * count))
        if count and max(values) >= P:
            raise NonCanonicalElement("field element", f"0..{P - 1}", max(values))
        return values

    def extensions(self, count: int) -> tuple[Extension, ...]:
        values = self.elements(DEGREE * count)
        return tuple(
            Extension(values[start : start + DEGREE]) for start in range(0, len(values), DEGREE)
        )

    def openings(self, shapes: Sequence[TreeShape]) -> tuple[Opening, ...]:
        return tuple(
            Opening(
                tuple(self.elements(width) for width in widths),
                tuple(self.digest() for _ in range(path_length)),
            )
            for widths, path_length in shapes
        )


class _Shape:
    """How many of everything a proof of an instance has."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._parameters = instance.key.proof_parameters
        steps = fold_schedule(instance.log_sizes, self._parameters)
        self._layers: list[TreeShape] = [
            ((DEGREE * step.arity,), step.log_folded_size) for step in steps
        ]
        self._trees = [_tree_shape(instance, tree) for tree in instance.trees]

    @property
    def byte_count(self) -> int:
        """Number of bytes behind the heights."""
        opened = sum(m.width + len(m.next_columns) for m in self._instance.matrices)
        extensions = len(self._instance.lookup_tables) + opened + self._parameters.final_length
        per_query = sum(
            ELEMENT_BYTES * sum(widths) + DIGEST_BYTES * path_length
            for widths, path_length in (*self._layers, *self._trees)
        )
        return (
            DIGEST_BYTES * (3 + len(self._layers))
            + NONCE_BYTES * 3
            + ELEMENT_BYTES * DEGREE * extensions
            + self._parameters.query_count * per_query
        )

    def read(self, reader: _Reader) -> Proof:
        queries = range(self._parameters.query_count)
        return Proof(
            log_heights=self._instance.log_heights,
            main_root=reader.digest(),
            lookup_nonce=reader.nonce(),
            lookup_root=reader.digest(),
            sums=reader.extensions(len(self._instance.lookup_tables)),
            quotient_root=reader.digest(),
            opened=tuple(
                OpenedValues(
                    reader.extensions(matrix.width), reader.extensions(len(matrix.next_columns))
                )
                for matrix in self._instance.matrices
            ),
            batching_nonce=reader.nonce(),
            fri=FriProof(
                layer_roots=tuple(reader.digest() for _ in self._layers),
                final_polynomial=reader.extensions(self._parameters.final_length),
                nonce=reader.nonce(),
                queries=tuple(reader.openings(self._layers) for _ in queries),
            ),
            queries=tuple(reader.openings(self._trees) for _ in queries),
        )


def _tree_shape(instance: Instance, tree: Tree) -> TreeShape:
    dimensions = instance.dimensions_of(tree)
    return tuple(width for width, _ in dimensions), max(log for _, log in dimensions)


def _nonce(value: int) -> bytes:
    return value.to_bytes(NONCE_BYTES, "big")


def _elements(values: Iterable[int]) -> bytes:
    row = tuple(values)
    return struct.pack(f">{len(row)}I", *row)


def _extensions(values: Iterable[Extension]) -> bytes:
    return _elements(coordinate for value in values for coordinate in value.coefficients)
