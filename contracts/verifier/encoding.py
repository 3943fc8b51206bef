"""A proof in the bytes that the contract reads.

The header is `Header.sol`'s, and a query's bytes are as `Queries.sol` says. Nothing is judged here:
a false proof is cut like a true one, and the contract refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.verifier.queue import Place, in_order, meeting_level
from proving.errors import WrongLength
from proving.field.extension import DEGREE
from proving.fri.schedule import fold_schedule
from proving.fri.verifier import sample_indices
from proving.stark import transcript_order as order
from proving.stark.codec import ELEMENT_BYTES, MAGIC
from proving.stark.instance import Instance
from proving.stark.keys import VerifyingKey
from proving.transcript import DIGEST_BYTES, NONCE_BYTES, Transcript

EXTENSION_BYTES: Final = DEGREE * ELEMENT_BYTES


@dataclass(frozen=True, slots=True)
class RawOpening:
    """Rows by matrix, and the path from the leaf up."""

    rows: tuple[bytes, ...]
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RawProof:
    """A proof's bytes by what they are; see `proving.stark.proof`."""

    instance: Instance
    main_root: bytes
    lookup_nonce: bytes
    lookup_root: bytes
    sums: bytes
    quotient_root: bytes
    opened: bytes
    batching_nonce: bytes
    layer_roots: tuple[bytes, ...]
    final_polynomial: bytes
    query_nonce: bytes
    layers: tuple[tuple[RawOpening, ...], ...]
    trees: tuple[tuple[RawOpening, ...], ...]

    @property
    def header(self) -> bytes:
        """What the contract is given first."""
        return b"".join(
            [
                bytes(self.instance.log_heights),
                self.main_root,
                self.lookup_nonce,
                self.lookup_root,
                self.sums,
                self.quotient_root,
                self.batching_nonce,
                *self.layer_roots,
                self.final_polynomial,
                self.query_nonce,
            ]
        )


def read(key: VerifyingKey, encoded: bytes) -> RawProof:
    """Cut a proof into its parts.

    Raises
    ------
    MalformedProof
        Its heights or its length are not those of a proof for this key. Values may be anything.
    """
    start = len(MAGIC) + len(key.machine.chips)
    instance = Instance(key, tuple(encoded[len(MAGIC) : start]))
    parameters = key.proof_parameters
    position = start

    def take(count: int) -> bytes:
        nonlocal position
        part = encoded[position : position + count]
        position += count
        return part

    def digests(count: int) -> tuple[bytes, ...]:
        return tuple(take(DIGEST_BYTES) for _ in range(count))

    steps = fold_schedule(instance.log_sizes, parameters)
    opened = sum(matrix.width + len(matrix.next_columns) for matrix in instance.matrices)
    queries = range(parameters.query_count)
    proof = RawProof(
        instance=instance,
        main_root=take(DIGEST_BYTES),
        lookup_nonce=take(NONCE_BYTES),
        lookup_root=take(DIGEST_BYTES),
        sums=take(EXTENSION_BYTES * len(instance.lookup_tables)),
        quotient_root=take(DIGEST_BYTES),
        opened=take(EXTENSION_BYTES * opened),
        batching_nonce=take(NONCE_BYTES),
        layer_roots=digests(len(steps)),
        final_polynomial=take(EXTENSION_BYTES * parameters.final_length),
        query_nonce=take(NONCE_BYTES),
        layers=tuple(
            tuple(
                RawOpening((take(EXTENSION_BYTES * step.arity),), digests(step.log_folded_size))
                for step in steps
            )
            for _ in queries
        ),
        trees=tuple(
            tuple(
                RawOpening(
                    tuple(take(ELEMENT_BYTES * width) for width, _ in dimensions),
                    digests(max(log for _, log in dimensions)),
                )
                for dimensions in map(instance.dimensions_of, instance.trees)
            )
            for _ in queries
        ),
    )
    if position != len(encoded):
        raise WrongLength("bytes of the proof", position, len(encoded))
    return proof


def places(proof: RawProof, public_values: Sequence[int]) -> list[Place]:
    """Queries in the contract's order, at the indices that the verifier draws."""
    instance = proof.instance
    parameters = instance.key.proof_parameters
    transcript = order.begin(instance, public_values)

    def with_nonce(nonce: bytes) -> order.ProofOfWork:
        return lambda label, _: transcript.observe(label, nonce)

    order.after_main(transcript, proof.main_root, 0, with_nonce(proof.lookup_nonce))
    transcript.observe("lookup root", proof.lookup_root)
    transcript.observe("lookup sums", proof.sums)
    transcript.sample_extension("alpha")
    order.after_quotient(transcript, proof.quotient_root)
    transcript.observe("opened values", proof.opened)
    transcript.observe("batching challenge", proof.batching_nonce)
    transcript.sample_extension("lambda")
    _observe_layers(transcript, proof)
    log_size = max(instance.log_sizes)
    return in_order(sample_indices(parameters, transcript, log_size), log_size)


def _observe_layers(transcript: Transcript, proof: RawProof) -> None:
    for root in proof.layer_roots:
        transcript.observe("FRI layer root", root)
        transcript.sample_extension("FRI fold")
    transcript.observe("FRI final polynomial", proof.final_polynomial)
    transcript.observe("FRI queries", proof.query_nonce)


def query_bytes(proof: RawProof, place: Place, before: Place | None) -> bytes:
    """Bytes of one query behind another one; None: it is the first of its transaction."""
    log_size = max(proof.instance.log_sizes)
    lowest = meeting_level(place.index, before.index if before else None, log_size)
    if lowest > log_size:
        return b""
    return b"".join(
        [
            *_rows(proof, place, lowest),
            *_paths(proof, place, lowest),
            *_layers(proof, place, lowest),
        ]
    )


def _rows(proof: RawProof, place: Place, lowest: int) -> Iterator[bytes]:
    instance = proof.instance
    openings = proof.trees[place.number]
    for log_size in sorted(instance.log_sizes, reverse=True):
        if log_size < lowest:
            return
        for tree, opening in zip(instance.trees, openings, strict=True):
            dimensions = instance.dimensions_of(tree)
            for (_, log), row in zip(dimensions, opening.rows, strict=True):
                if log == log_size:
                    yield row


def _paths(proof: RawProof, place: Place, lowest: int) -> Iterator[bytes]:
    for opening in proof.trees[place.number]:
        yield from opening.path[: max(0, len(opening.path) - lowest)]


def _layers(proof: RawProof, place: Place, lowest: int) -> Iterator[bytes]:
    instance = proof.instance
    steps = fold_schedule(instance.log_sizes, instance.key.proof_parameters)
    for step, opening in zip(steps, proof.layers[place.number], strict=True):
        if step.log_folded_size < lowest:
            return
        position = place.index % (1 << step.log_size) >> step.log_folded_size
        (coset,) = opening.rows
        start = EXTENSION_BYTES * position
        yield coset[:start] + coset[start + EXTENSION_BYTES :]
        yield from opening.path[: step.log_folded_size - lowest]
