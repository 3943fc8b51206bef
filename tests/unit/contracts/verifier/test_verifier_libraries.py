"""Shapes, challenges, batched values and the order of queries: as Python has them."""

import random
from dataclasses import replace
from functools import cache

import pytest
from probe import Refused, from_bytes, one_to_bytes, random_element, shared_probe, to_bytes

from contracts.verifier.description import describe
from contracts.verifier.encoding import places, read
from contracts.verifier.queue import in_order, reverse_bits
from proving.errors import MalformedProof, OutOfRange
from proving.field.extension import ONE, ZERO, Extension, PowerTable
from proving.field.koalabear import P
from proving.fri.schedule import fold_schedule
from proving.parameters import FAST, SETTLEMENT, Parameters
from proving.stark import transcript_order as order
from proving.stark.instance import Instance, Tree
from proving.stark.keys import VerifyingKey
from proving.stark.machine import Machine
from proving.transcript import Transcript
from proving.zkvm.machine import ZKVM
from tests.support.toy_machine import LOG_SQUARES
from tests.support.toy_settlement import PUBLIC_VALUES, settled_claim, settled_key

DIGEST = b"".join(word.to_bytes(4, "big") for word in PUBLIC_VALUES)


@cache
def zkvm_key(parameters: Parameters, machine: Machine = ZKVM) -> VerifyingKey:
    """A key of the real machine, for some program."""
    heights = {"range_table": 17, "byte_table": 16, "shift_table": 5, "register_boundary": 5}
    heights |= {"program_table": 12, "image_table": 9}
    numbers = {"entry_pc": 0x1000, "image_end_word": 0x2000}
    return VerifyingKey(machine, parameters, numbers, heights, b"\x07" * 32)


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT], ids=lambda p: p.name)
def test_shapes_of_random_heights_are_derived_or_refused_as_in_python(
    parameters: Parameters,
) -> None:
    key, chance = zkvm_key(parameters), random.Random(3)
    config, accepted = describe(key), 0
    for _ in range(50):
        heights = _random_heights(key, chance)
        try:
            instance = Instance(key, heights)
        except MalformedProof:
            with pytest.raises(Refused, match="OutOfRange"):
                shared_probe()("shape", config, bytes(heights))
            continue
        accepted += 1
        sizes, steps, opened_bytes = shared_probe()("shape", config, bytes(heights))
        expected = [
            step.log_size << 16 | step.log_arity << 8 | step.rolls_in
            for step in fold_schedule(instance.log_sizes, parameters)
        ]
        assert list(sizes) == sorted(instance.log_sizes, reverse=True)
        assert list(steps) == expected
        opened = sum(m.width + len(m.next_columns) for m in instance.matrices)
        assert opened_bytes == 16 * opened
    assert 5 < accepted < 50


def test_more_interactions_on_a_bus_than_the_field_counts_are_refused() -> None:
    """No heights that the real machine allows lead there: without its bounds, some do."""
    unbounded = tuple(replace(rule, max_log_height=None) for rule in ZKVM.chips)
    key = zkvm_key(FAST, replace(ZKVM, chips=unbounded))
    fixed = [key.preprocessed_log_heights.get(rule.air.name) for rule in unbounded]
    Instance(key, [height or 18 for height in fixed])
    shared_probe()("shape", describe(key), bytes(height or 18 for height in fixed))
    with pytest.raises(OutOfRange, match="interactions"):
        Instance(key, [height or 22 for height in fixed])
    with pytest.raises(Refused, match="OutOfRange"):
        shared_probe()("shape", describe(key), bytes(height or 22 for height in fixed))


def test_as_many_rows_as_a_limit_allows_are_accepted_and_more_are_refused() -> None:
    key = settled_key().verifying_key
    for user, mixer in ((9, 9), (10, 0), (9, 8)):
        heights = (4, LOG_SQUARES, user, mixer, 4)
        assert Instance(key, heights).tables
        shared_probe()("shape", describe(key), bytes(heights))
    for user, mixer in ((10, 2), (9, 10), (11, 0)):
        heights = (4, LOG_SQUARES, user, mixer, 4)
        with pytest.raises(OutOfRange, match="rows of"):
            Instance(key, heights)
        with pytest.raises(Refused, match="OutOfRange"):
            shared_probe()("shape", describe(key), bytes(heights))


def test_challenges_of_a_header() -> None:
    claim = settled_claim()
    proof = read(claim.key, claim.encoded)
    transcript = order.begin(proof.instance, PUBLIC_VALUES)
    nonce = int.from_bytes(proof.lookup_nonce, "big")
    lookups = order.after_main(
        transcript,
        proof.main_root,
        claim.key.proof_parameters.lookup_grinding_bits,
        lambda label, bits: transcript.check_grinding(label, bits, nonce),
    )
    sums = [from_bytes(proof.sums[at : at + 16]) for at in range(0, len(proof.sums), 16)]
    alpha = order.after_lookups(transcript, proof.lookup_root, sums)
    z = order.after_quotient(transcript, proof.quotient_root)
    *found, _ = shared_probe()("challenges", describe(claim.key), proof.header, DIGEST)
    assert list(map(from_bytes, found)) == [lookups.gamma, lookups.beta, alpha, z]


def test_any_changed_byte_of_a_header_changes_the_point_or_is_refused() -> None:
    claim = settled_claim()
    proof = read(claim.key, claim.encoded)
    config, chance = describe(claim.key), random.Random(4)
    honest = shared_probe()("challenges", config, proof.header, DIGEST)
    bound = len(proof.header) - len(proof.final_polynomial) - 32 * len(proof.layer_roots) - 16
    for _ in range(60):
        changed = bytearray(proof.header)
        changed[chance.randrange(bound)] ^= 1 << chance.randrange(8)
        try:
            assert shared_probe()("challenges", config, bytes(changed), DIGEST) != honest
        except Refused:
            continue


def test_batched_claims() -> None:
    claim, chance = settled_claim(), random.Random(5)
    instance = read(claim.key, claim.encoded).instance
    values = [
        (m, [random_element(chance) for _ in range(m.width + len(m.next_columns))])
        for m in instance.matrices
    ]
    batching = random_element(chance)
    opened = to_bytes([value for _, own in values for value in own])
    heights = bytes(instance.log_heights)
    here, following = shared_probe()(
        "claims", describe(claim.key), heights, opened, one_to_bytes(batching)
    )
    log_blowup = claim.key.proof_parameters.log_blowup
    for number, log_size in enumerate(sorted(instance.log_sizes, reverse=True)):
        own = [(m, v) for m, v in values if m.log_height + log_blowup == log_size]
        at_z = [value for m, members in own for value in members[: m.width]]
        at_gz = [value for m, members in own for value in members[m.width :]]
        assert from_bytes(here[number]) == _horner(at_z, batching)
        shift = batching ** len(at_z)
        assert from_bytes(following[number]) == shift * _horner(at_gz, batching)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 127, 128, 129, 1000])
def test_sums_over_rows(count: int) -> None:
    chance = random.Random(count)
    batching = random_element(chance)
    values = [chance.choice((0, P - 1, chance.randrange(P))) for _ in range(count)]
    row = b"".join(value.to_bytes(4, "big") for value in values)
    total, is_canonical = shared_probe()("dot", one_to_bytes(batching), row)
    assert from_bytes(total) == PowerTable(batching, count).dot(values)
    assert is_canonical


@pytest.mark.parametrize("value", [P, P + 1, 2**32 - 1])
@pytest.mark.parametrize("position", [0, 5, 130])
def test_a_row_with_a_value_that_is_not_canonical_is_noticed(value: int, position: int) -> None:
    row = bytearray(4 * 140)
    row[4 * position : 4 * position + 4] = value.to_bytes(4, "big")
    _, is_canonical = shared_probe()("dot", one_to_bytes(ONE), bytes(row))
    assert not is_canonical


@pytest.mark.parametrize(("count", "log_size"), [(1, 5), (40, 4), (193, 24), (97, 0)])
def test_the_order_of_queries(count: int, log_size: int) -> None:
    transcript = Transcript("any")
    state = transcript._state
    indices = [transcript.sample_index("FRI query", log_size) for _ in range(count)]
    (keys,) = shared_probe()("queue", state, count, log_size)
    expected = [reverse_bits(place.index, log_size) for place in in_order(indices, log_size)]
    assert keys == b"".join(key.to_bytes(4, "big") for key in expected)


def test_the_queries_of_a_proof_are_those_that_python_draws() -> None:
    claim = settled_claim()
    found = places(read(claim.key, claim.encoded), PUBLIC_VALUES)
    assert sorted(place.number for place in found) == list(range(len(found)))
    assert len({place.index for place in found}) > 1


def test_the_toy_key_has_every_kind_of_tree() -> None:
    claim = settled_claim()
    assert read(claim.key, claim.encoded).instance.trees == tuple(Tree)
    assert settled_key().preprocessed_tree is not None


def _random_heights(key: VerifyingKey, chance: random.Random) -> tuple[int, ...]:
    heights = []
    for rule in key.machine.chips:
        fixed = key.preprocessed_log_heights.get(rule.air.name)
        height = chance.choice((0, 5, 6, 7, chance.randint(5, 19)))
        if fixed is not None:
            height = fixed
        if chance.random() < 0.01:
            height = chance.randrange(256)
        heights.append(height)
    return tuple(heights)


def _horner(values: list[Extension], point: Extension) -> Extension:
    total = ZERO
    for value in reversed(values):
        total = total * point + value
    return total
