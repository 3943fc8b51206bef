"""Bytes from anywhere, where a proof or a proof file is expected: refused, at a bounded price."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import Any

import msgpack

from proving.errors import ProofRejected
from proving.stark.codec import MAGIC
from proving.stark.verifier import verify
from proving.zkvm.proof_file import MAX_STATEMENT_BYTES, decode_proof_file, encode_proof_file
from proving.zkvm.verification import verify_file
from tests.soundness.proofs import counted
from tests.soundness.worlds import claim_of, file_of
from tests.support.proof_mutations import Claim, Tally

LENGTHS = (0, 1, 3, 4, 26, 27, 28, 100, 1000, 100_000)
HUGE = (1 << 32) - 1
OTHER_VALUES = (
    None, True, -1, 1 << 32, 0.5, "x" * 300, bytes(MAX_STATEMENT_BYTES + 1), [[]], {1: 2}
)  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """What it cost to refuse bytes.

    Attributes
    ----------
    seconds
        Of the processor.
    peak_bytes
        Memory allocated on the way, at most. Watching it makes all slower, so it is 0 where only
        the time was measured.
    """

    kind: str
    is_refused: bool
    seconds: float = 0.0
    peak_bytes: int = 0


def hostile_tallies(name: str, seed: int = 1) -> list[Tally]:
    """How many of each kind were refused."""
    return counted((refusal.kind, refusal.is_refused) for refusal in refusals(name, seed))


def refusals(name: str, seed: int = 1) -> list[Refusal]:
    """Try all kinds, made from the honest proof of a program."""
    claim = claim_of(name)
    honest_file = encode_proof_file(file_of(name))
    chance = random.Random(seed)
    attempts: list[tuple[str, Callable[[], object]]] = []
    for kind, encoded in _proofs(claim, chance):
        check = partial(verify, claim.key, encoded, claim.public_values)
        attempts.append((f"proof: {kind}", check))
    for kind, encoded in _files(honest_file, chance):
        attempts.append((f"file: {kind}", partial(_verify_file, encoded)))
    watched: set[str] = set()
    results = []
    for kind, judge in attempts:
        if kind not in watched:
            watched.add(kind)
            results.append(_watched(kind, judge))
        results.append(_timed(kind, judge))
    return results


def _verify_file(encoded: bytes) -> None:
    verify_file(decode_proof_file(encoded))


# PROOFS


def _proofs(claim: Claim, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    encoded, header = claim.encoded, len(MAGIC) + len(claim.key.machine.chips)
    for length in LENGTHS:
        for _ in range(4):
            yield "random bytes", chance.randbytes(length)
            yield "random bytes after the magic", MAGIC + chance.randbytes(length)
            yield "random bytes after the heights", encoded[:header] + chance.randbytes(length)
    whole = chance.randbytes(len(encoded) - header)
    yield "random bytes of the right length", encoded[:header] + whole
    for value in (0x00, 0x7F, 0xFF):
        yield "one byte repeated", encoded[:header] + bytes([value]) * (len(encoded) - header)
        yield "one byte repeated", MAGIC + bytes([value]) * 1000
        yield "one byte repeated", bytes([value]) * 1000
    for _ in range(4):
        yield "one bit flipped", _with_flips(encoded, 1, chance)
        yield "some bits flipped", _with_flips(encoded, 50, chance)
    for _ in range(3):
        first, second = sorted(chance.randrange(len(encoded)) for _ in range(2))
        yield "a piece left out", encoded[:first] + encoded[second + 1 :]
        yield "a piece repeated", encoded[: second + 1] + encoded[first:]
    for _ in range(3):
        heights = bytes(chance.randrange(24) for _ in range(header - len(MAGIC)))
        yield "random heights", MAGIC + heights + encoded[header:]
    for height in range(256):
        heights = bytes([height]) * (header - len(MAGIC))
        yield "the same height for all", MAGIC + heights + encoded[header:]


# FILES


def _files(encoded: bytes, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    for length in LENGTHS:
        for _ in range(4):
            yield "random bytes", chance.randbytes(length)
            yield "random bytes after the start", encoded[:40] + chance.randbytes(length)
    for _ in range(3):
        yield "one bit flipped", _with_flips(encoded, 1, chance)
        start = bytearray(encoded)
        start[chance.randrange(80)] ^= 1 << chance.randrange(8)
        yield "one bit of the start flipped", bytes(start)
    size = HUGE.to_bytes(4, "big")
    for prefix, kind in (
        (b"\xdd", "array"),
        (b"\xc6", "byte string"),
        (b"\xdb", "text"),
        (b"\xdf", "map"),
        (b"\xc9", "extension"),
    ):
        yield f"a huge {kind}", prefix + size
        yield f"a huge {kind}", prefix + size + bytes(1000)
        yield f"a huge {kind} inside", b"\x93\x7a" + prefix + size + bytes(1000)
        yield f"a huge {kind} inside", b"\x93\x7a\x97" + prefix + size + bytes(1000)
    for depth in (10, 1000, 100_000, 3_000_000):
        yield "deep nesting", b"\x91" * depth
        yield "deep nesting", b"\x91" * depth + b"\xc0"
        yield "deep nesting of maps", b"\x81\xc0" * depth
    for count in (1 << 16, 3_000_000):
        yield "many small values", b"\xdd" + count.to_bytes(4, "big") + b"\x01" * count
        yield "many small values", b"\xdd" + count.to_bytes(4, "big") + b"\x90" * count
    yield from (("a value of another type", packed) for packed in _of_other_types(encoded))


def _of_other_types(encoded: bytes) -> Iterator[bytes]:
    """Each value of the file taken out, and replaced by one that it cannot be."""
    file = msgpack.unpackb(encoded)

    def replaced(items: list[Any]) -> Iterator[bytes]:
        for position, item in enumerate(items):
            for others in ([], *([value] for value in OTHER_VALUES)):
                items[position : position + 1] = others
                yield msgpack.packb(file)
                items[position : position + len(others)] = [item]
            if isinstance(item, list):
                yield from replaced(item)

    return replaced(file)


# MEASUREMENT


def _timed(kind: str, judge: Callable[[], object]) -> Refusal:
    started = process_time()
    is_refused = _refuses(judge)
    return Refusal(kind, is_refused, seconds=process_time() - started)


def _watched(kind: str, judge: Callable[[], object]) -> Refusal:
    tracemalloc.start()
    try:
        is_refused = _refuses(judge)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Refusal(kind, is_refused, peak_bytes=peak_bytes)


def _refuses(judge: Callable[[], object]) -> bool:
    try:
        judge()
    except ProofRejected:
        return True
    return False


def _with_flips(encoded: bytes, count: int, chance: random.Random) -> bytes:
    changed = bytearray(encoded)
    for _ in range(count):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)
