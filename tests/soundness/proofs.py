"""Attacks on proofs: every kind of element changed, also in the key and in the file around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from proving.errors import ProofRejected
from proving.field.koalabear import P
from proving.parameters import SETTLEMENT
from proving.stark.codec import decode, encode
from proving.stark.keys import VerifyingKey
from proving.stark.proof import Proof
from proving.zkvm.machine import ENTRY_PC, ZKVM
from proving.zkvm.proof_file import (
    KeyRecord,
    ProofFile,
    SegmentRecord,
    decode_proof_file,
    encode_proof_file,
)
from proving.zkvm.verification import verify_file
from tests.soundness.worlds import claim_of, file_of
from tests.support.proof_mutations import Claim, Mutation, Tally, is_rejected, tallies


def mutation_tallies(name: str, per_kind: int, seed: int = 1) -> list[Tally]:
    """Mutations of a program's honest proof and of its statement, by kind."""
    claim = claim_of(name)
    moved = ((part.kind, is_rejected(part.claim)) for part in _moved_parts(claim))
    return [*tallies(claim, per_kind, seed), *counted(moved)]


def proof_tallies(name: str, per_kind: int, seed: int = 1) -> list[Tally]:
    """The same, and mutations of its key and of its file."""
    keys = ((other.kind, is_rejected(other.claim)) for other in _other_keys(claim_of(name)))
    files = ((kind, is_file_rejected(encoded)) for kind, encoded in _files(name))
    return [*mutation_tallies(name, per_kind, seed), *counted(keys), *counted(files)]


def statement_tallies(names: list[str]) -> list[Tally]:
    """Honest proofs, given for another program or another of its runs."""
    results = []
    for name in names:
        for other in names:
            if other != name:
                claim, wanted = claim_of(name), claim_of(other)
                borrowed = replace(claim, key=wanted.key)
                results.append(("proof of another program", is_rejected(borrowed)))
                borrowed = replace(borrowed, public_values=wanted.public_values)
                results.append(("proof of another program and statement", is_rejected(borrowed)))
    return counted(results)


def counted(results: Iterable[tuple[str, bool]]) -> list[Tally]:
    """Count attempts and rejections by kind."""
    tried: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for kind, was_rejected in results:
        tried[kind] += 1
        rejected[kind] += was_rejected
    return [Tally(kind, count, rejected[kind]) for kind, count in tried.items()]


def is_file_rejected(encoded: bytes) -> bool:
    """Whether a file is refused, and with the error that is promised."""
    try:
        verify_file(decode_proof_file(encoded))
    except ProofRejected:
        return True
    return False


# KEYS


def changed_key(key: VerifyingKey, **changes: object) -> VerifyingKey:
    """The key with other fields."""
    names = ("machine", "proof_parameters", "parameters", "preprocessed_log_heights")
    given = {name: getattr(key, name) for name in (*names, "preprocessed_root")}
    return VerifyingKey(**(given | changes))


def _other_keys(claim: Claim) -> Iterator[Mutation]:
    key, parameters = claim.key, claim.key.proof_parameters
    _, proof = decode(key, claim.encoded)

    # PARAMETERS of the proof system
    sets = {
        "another blowup": replace(parameters, log_blowup=2, max_log_height=21),
        "no proof of work for the lookups": replace(parameters, lookup_grinding_bits=0),
        "no proof of work for the batching": replace(parameters, batching_grinding_bits=0),
        "no proof of work for the queries": replace(parameters, query_grinding_bits=0),
        "other foldings": replace(parameters, max_log_arity=2),
        "another final polynomial": replace(parameters, log_final_length=4),
        "other heights": replace(parameters, max_log_height=21),
        "another set": SETTLEMENT,
    }
    for kind, other in sets.items():
        yield Mutation(kind, replace(claim, key=changed_key(key, proof_parameters=other)))
    for count in (1, 100, parameters.query_count - 1):
        fewer = replace(parameters, query_count=count)
        shorter = replace(
            proof,
            queries=proof.queries[:count],
            fri=replace(proof.fri, queries=proof.fri.queries[:count]),
        )
        weaker = changed_key(key, proof_parameters=fewer)
        yield Mutation("fewer queries", replace(claim, key=weaker, encoded=encode(shorter)))

    # PROGRAM
    for change in (4, -4):
        numbers = {**key.parameters, ENTRY_PC: (key.parameters[ENTRY_PC] + change) % P}
        yield Mutation("entry", replace(claim, key=changed_key(key, parameters=numbers)))
    for name in ("program_table", "image_table"):
        heights = {**key.preprocessed_log_heights, name: key.preprocessed_log_heights[name] + 1}
        higher = changed_key(key, preprocessed_log_heights=heights)
        yield Mutation("height of a preprocessed table", replace(claim, key=higher))

    # MACHINE
    for rule in ZKVM.chips:
        if rule.is_optional:
            fewer_rules = tuple(other for other in ZKVM.chips if other is not rule)
            limits = tuple(
                replace(limit, chips=limit.chips - {rule.air.name}) for limit in ZKVM.row_limits
            )
            without = replace(ZKVM, chips=fewer_rules, row_limits=limits)
            other_key = changed_key(key, machine=without)
            yield Mutation("machine without a chip", replace(claim, key=other_key))
    reversed_machine = replace(ZKVM, chips=tuple(reversed(ZKVM.chips)))
    other_key = changed_key(key, machine=reversed_machine)
    yield Mutation("chips in another order", replace(claim, key=other_key))


# PARTS MOVED


def _moved_parts(claim: Claim) -> Iterator[Mutation]:
    instance, proof = decode(claim.key, claim.encoded)

    def moved(kind: str, changed: Proof) -> Mutation:
        return Mutation(f"swapped {kind}", replace(claim, encoded=encode(changed)))

    main, lookup, quotient = proof.main_root, proof.lookup_root, proof.quotient_root
    yield moved("roots", replace(proof, main_root=lookup, lookup_root=main))
    yield moved("roots", replace(proof, lookup_root=quotient, quotient_root=lookup))
    first_nonce, second_nonce = proof.lookup_nonce, proof.batching_nonce
    exchanged = replace(proof, lookup_nonce=second_nonce, batching_nonce=first_nonce)
    yield moved("nonces", exchanged)
    for position in range(len(proof.sums) - 1):
        first, second = proof.sums[position : position + 2]
        if first != second:
            sums = (*proof.sums[:position], second, first, *proof.sums[position + 2 :])
            yield moved("sums", replace(proof, sums=sums))
    layers = proof.fri.layer_roots
    if len(layers) > 1:
        fri = replace(proof.fri, layer_roots=(layers[1], layers[0], *layers[2:]))
        yield moved("FRI layer roots", replace(proof, fri=fri))
    fri = replace(proof.fri, final_polynomial=proof.fri.final_polynomial[::-1])
    yield moved("final coefficients", replace(proof, fri=fri))
    first_query, second_query, *others = proof.fri.queries
    fri = replace(proof.fri, queries=(second_query, first_query, *others))
    yield moved("FRI queries", replace(proof, fri=fri))
    for position, matrix in enumerate(instance.matrices):
        opened = proof.opened[position]
        if matrix.width > 1:
            backwards = replace(opened, here=opened.here[::-1])
            changed = (*proof.opened[:position], backwards, *proof.opened[position + 1 :])
            if changed != proof.opened:
                yield moved("opened values", replace(proof, opened=changed))
    for tree in range(len(instance.trees)):
        queries = list(proof.queries)
        for number, neighbour in ((0, 1), (1, 0)):
            openings = list(proof.queries[number])
            openings[tree] = proof.queries[neighbour][tree]
            queries[number] = tuple(openings)
        if tuple(queries) != proof.queries:
            yield moved("openings of a tree", replace(proof, queries=tuple(queries)))
    middle = len(claim.encoded) // 2
    longer = claim.encoded[:middle] + bytes(4) + claim.encoded[middle:]
    yield Mutation("inserted bytes", replace(claim, encoded=longer))
    shorter = claim.encoded[:middle] + claim.encoded[middle + 4 :]
    yield Mutation("removed bytes", replace(claim, encoded=shorter))


# FILES


def _files(name: str) -> Iterator[tuple[str, bytes]]:
    """Changed files; the segment's `statement` is left alone, for nothing in the file says that it
    belongs to the public values: `braid verify` compares them."""
    honest = file_of(name)
    (segment,) = honest.segments
    for key in _key_records(honest.key):
        yield "file: key", encode_proof_file(replace(honest, key=key))
    for changed in _segments(segment):
        yield "file: segment", encode_proof_file(replace(honest, segments=(changed,)))
        both = ProofFile(honest.key, (segment, changed))
        yield "file: second segment", encode_proof_file(both)
    yield "file: no segment", encode_proof_file(replace(honest, segments=()))
    encoded = encode_proof_file(honest)
    for end in (0, 1, 40, len(encoded) // 2, len(encoded) - 1):
        yield "file: truncation", encoded[:end]
    yield "file: trailing bytes", encoded + b"\0"
    yield "file: two files", encoded + encoded


def _key_records(key: KeyRecord) -> Iterator[KeyRecord]:
    for name in ("settlement", "", "FAST", "fast ", "no such set"):
        yield replace(key, parameter_set=name)
    others = [0, key.entry_pc + 4, key.entry_pc ^ 1, P - 1, P, (1 << 32) - 1]
    changed = [replace(key, entry_pc=other) for other in others]
    others = [1, key.image_end_word + 1, P - 1, P, (1 << 32) - 1]
    changed += [replace(key, image_end_word=other) for other in others]
    for height in (0, 4, 5, 6, 22, 23, 255):
        changed.append(replace(key, program_log_height=height))
        changed.append(replace(key, image_log_height=height))
    yield from (other for other in changed if other != key)
    yield replace(key, preprocessed_root=bytes(32))
    yield replace(key, preprocessed_root=key.preprocessed_root[::-1])


def _segments(segment: SegmentRecord) -> Iterator[SegmentRecord]:
    yield replace(segment, proof=b"")
    yield replace(segment, proof=segment.proof[:-1])
    yield replace(segment, proof=segment.proof + b"\0")
    yield replace(segment, proof=segment.proof[:1000] + b"\0" * 8 + segment.proof[1008:])
    yield replace(segment, public_values=(*segment.public_values, 0))
    for position, word in enumerate(segment.public_values):
        values = list(segment.public_values)
        values[position] = word ^ 1
        yield replace(segment, public_values=tuple(values))
