"""How other proof systems were broken, tried on ours: challenges, and what is taken on trust.

The other lists are `test_known_constraint_attacks` (constraints) and
`test_known_memory_and_bus_attacks` (memory, order, buses, and what ends a run). Host and guest
(hostile lengths, panics that commit, unverified hints): tests/differential/guest.

The proofs here are well-formed and random: every challenge is drawn before the verifier refuses.
"""

import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from proving.chips.image_table import IMAGE_END_WORD
from proving.chips.registry import CHIPS
from proving.errors import InvalidProof, OutOfRange, UnbalancedBuses, WrongLength
from proving.field.extension import Extension
from proving.field.koalabear import P
from proving.fri.verifier import begin as begin_fri
from proving.parameters import Parameters
from proving.stark import transcript_order
from proving.stark.codec import MAGIC, decode, encode
from proving.stark.instance import ABSENT, Instance
from proving.stark.keys import VerifyingKey
from proving.stark.proof import OpenedValues, Proof
from proving.stark.verifier import verify
from proving.transcript import Transcript
from proving.zkvm.machine import ENTRY_PC, ZKVM
from tests.unit.proving.fri import fri_world

PARAMETERS = Parameters("few queries", 1, 2, 0, 0, 0, 2, 3, 2, 18)
NUMBERS = {ENTRY_PC: 0x1000, IMAGE_END_WORD: 0x2000}
FIXED = {
    **{chip.name: chip.fixed_log_height for chip in CHIPS if chip.fixed_log_height is not None},
    "program_table": 6,
    "image_table": 4,
}
NAMES = [chip.name for chip in CHIPS]
LEFT_OUT = {"keccak_round", "keccak", "mulmod", "secp256k1"}
LOG_HEIGHTS = tuple(FIXED.get(name, ABSENT if name in LEFT_OUT else 3) for name in NAMES)
KEY = VerifyingKey(ZKVM, PARAMETERS, NUMBERS, FIXED, bytes(32))
INSTANCE = Instance(KEY, LOG_HEIGHTS)
STATEMENT = (4, 5)
BEFORE_FRI = ("gamma", "beta", "alpha", "z", "lambda")


@cache
def random_proof() -> Proof:
    """A proof of the right shape, whose elements are random."""
    header = MAGIC + bytes(LOG_HEIGHTS)
    with pytest.raises(WrongLength) as refusal:
        decode(KEY, header)
    length = refusal.value.expected
    assert isinstance(length, int)
    chance = random.Random(1)
    words = [chance.randrange(P).to_bytes(4, "big") for _ in range((length - len(header)) // 4)]
    return decode(KEY, header + b"".join(words))[1]


class RecordingTranscript(Transcript):
    """The verifier's transcript, whose challenges are kept."""

    __slots__ = ("drawn",)

    def __init__(self, protocol: str) -> None:
        self.drawn: list[tuple[str, object]] = []
        super().__init__(protocol)

    def sample_extension(self, label: str) -> Extension:
        value = super().sample_extension(label)
        self.drawn.append((label, value))
        return value

    def sample_index(self, label: str, bits: int) -> int:
        value = super().sample_index(label, bits)
        self.drawn.append((label, value))
        return value


def challenges(
    proof: Proof, public_values: tuple[int, ...] = STATEMENT, key: VerifyingKey = KEY
) -> list[tuple[str, object]]:
    """All challenges that the verifier draws, before it finds that the buses do not balance."""
    made: list[RecordingTranscript] = []

    def recording(protocol: str) -> RecordingTranscript:
        made.append(RecordingTranscript(protocol))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transcript_order, "Transcript", recording)
        with pytest.raises(UnbalancedBuses):
            verify(key, encode(proof), public_values)
    (transcript,) = made
    return transcript.drawn


def changed_root(root: bytes) -> bytes:
    return bytes([root[0] ^ 1]) + root[1:]


def changed_at(values: tuple[Extension, ...], index: int) -> tuple[Extension, ...]:
    return (*values[:index], values[index] + 1, *values[index + 1 :])


def changed_openings() -> list[Proof]:
    """Of each matrix the first and the last value, here and in the next row."""
    proof = random_proof()
    changed = []
    for number, values in enumerate(proof.opened):
        for part in ("here", "following"):
            row: tuple[Extension, ...] = getattr(values, part)
            for index in sorted({0, len(row) - 1} & set(range(len(row)))):
                other: OpenedValues = replace(values, **{part: changed_at(row, index)})
                opened = (*proof.opened[:number], other, *proof.opened[number + 1 :])
                changed.append(replace(proof, opened=opened))
    return changed


def changed_proofs() -> list[tuple[str, Proof]]:
    """One element changed; and the first challenge that comes after it."""
    proof = random_proof()
    fri = proof.fri
    changed = [
        ("gamma", replace(proof, main_root=changed_root(proof.main_root))),
        ("gamma", replace(proof, lookup_nonce=proof.lookup_nonce ^ 1)),
        ("alpha", replace(proof, lookup_root=changed_root(proof.lookup_root))),
        ("z", replace(proof, quotient_root=changed_root(proof.quotient_root))),
        ("lambda", replace(proof, batching_nonce=proof.batching_nonce ^ 1)),
        ("FRI query", replace(proof, fri=replace(fri, nonce=fri.nonce ^ 1))),
    ]
    sums = range(len(proof.sums))
    changed += [("alpha", replace(proof, sums=changed_at(proof.sums, k))) for k in sums]
    changed += [("lambda", other) for other in changed_openings()]
    for layer, root in enumerate(fri.layer_roots):
        roots = (*fri.layer_roots[:layer], changed_root(root), *fri.layer_roots[layer + 1 :])
        changed.append((f"FRI fold {layer}", replace(proof, fri=replace(fri, layer_roots=roots))))
    for index in range(len(fri.final_polynomial)):
        coefficients = changed_at(fri.final_polynomial, index)
        last = replace(fri, final_polynomial=coefficients)
        changed.append(("FRI query", replace(proof, fri=last)))
    return changed


# FIAT-SHAMIR


def test_every_committed_element_changes_every_later_challenge_and_no_earlier_one() -> None:
    """SP1 before 3 (cumulative sums), Linea ("last challenge"), Frozen Heart."""
    honest = challenges(random_proof())
    folds = [f"FRI fold {layer}" for layer in range(len(random_proof().fri.layer_roots))]
    order = [*BEFORE_FRI, *folds, "FRI query"]
    assert [label for label, _ in honest[:5]] == list(BEFORE_FRI)
    assert len(honest) == len(BEFORE_FRI) + len(folds) + PARAMETERS.query_count
    for first, proof in changed_proofs():
        other = challenges(proof)
        position = order.index(first)
        assert other[:position] == honest[:position], first
        extensions = slice(position, len(BEFORE_FRI) + len(folds))
        for old, new in zip(honest[extensions], other[extensions], strict=True):
            assert old != new, first
        assert other[-PARAMETERS.query_count :] != honest[-PARAMETERS.query_count :], first


@cache
def other_keys() -> dict[str, VerifyingKey]:
    rule = ZKVM.chips[NAMES.index("add_sub")]
    shorter = replace(rule, air=replace(rule.air, constraints=rule.air.constraints[:-1]))
    chips = tuple(shorter if it is rule else it for it in ZKVM.chips)
    return {
        "entry": VerifyingKey(ZKVM, PARAMETERS, {**NUMBERS, ENTRY_PC: 4}, FIXED, bytes(32)),
        "end": VerifyingKey(ZKVM, PARAMETERS, {**NUMBERS, IMAGE_END_WORD: 1}, FIXED, bytes(32)),
        "program": VerifyingKey(ZKVM, PARAMETERS, NUMBERS, FIXED, bytes([1] * 32)),
        "machine": VerifyingKey(replace(ZKVM, name="2"), PARAMETERS, NUMBERS, FIXED, bytes(32)),
        "chip": VerifyingKey(replace(ZKVM, chips=chips), PARAMETERS, NUMBERS, FIXED, bytes(32)),
        "set": VerifyingKey(ZKVM, replace(PARAMETERS, name="x"), NUMBERS, FIXED, bytes(32)),
    }


@pytest.mark.parametrize("changed", ["entry", "end", "program", "machine", "chip", "set"])
def test_every_part_of_the_key_changes_every_challenge(changed: str) -> None:
    """Frozen Heart: a statement that the challenges do not bind can be chosen after them."""
    honest, other = (
        challenges(random_proof()),
        challenges(random_proof(), key=other_keys()[changed]),
    )
    assert all(a != b for a, b in zip(honest[:-2], other[:-2], strict=True))


@pytest.mark.parametrize("public_values", [(), (4,), (5, 4), (4, 5, 0), (4, 5 + (1 << 31))])
def test_public_values_change_every_challenge(public_values: tuple[int, ...]) -> None:
    """Frozen Heart: public values chosen after the challenges."""
    honest, other = challenges(random_proof()), challenges(random_proof(), public_values)
    assert all(a != b for a, b in zip(honest[:-2], other[:-2], strict=True))


def first_challenge(log_heights: tuple[int, ...], key: VerifyingKey = KEY) -> Extension:
    return transcript_order.begin(Instance(key, log_heights), STATEMENT).sample_extension("first")


def test_every_height_and_every_proof_parameter_changes_the_first_challenge() -> None:
    """Heights and query counts that a prover could exchange afterwards."""
    drawn = [first_challenge(LOG_HEIGHTS)]
    for position, name in enumerate(NAMES):
        if name in FIXED:
            heights = {**FIXED, name: FIXED[name] - 1}
            key = VerifyingKey(ZKVM, PARAMETERS, NUMBERS, heights, bytes(32))
        else:
            heights, key = {name: LOG_HEIGHTS[position] + 4}, KEY
        other = tuple(heights.get(it, old) for it, old in zip(NAMES, LOG_HEIGHTS, strict=True))
        drawn.append(first_challenge(other, key))
    for name in ("log_blowup", "query_count", "query_grinding_bits", "max_log_height"):
        parameters = replace(PARAMETERS, **{name: getattr(PARAMETERS, name) + 1})
        key = VerifyingKey(ZKVM, parameters, NUMBERS, FIXED, bytes(32))
        drawn.append(first_challenge(LOG_HEIGHTS, key))
    assert len(set(drawn)) == len(drawn) == 1 + len(NAMES) + 4


def cancelling(is_low: bool) -> fri_world.Functions:
    """Two functions: the larger folds, for any challenge, to the negative of the smaller."""
    small = fri_world.random_elements(256, seed=8)
    small[:, 128 if is_low else 256 :] = 0
    large = np.zeros((4, 512), np.uint32)
    large[:, ::2] = (P - small) % P
    values = (fri_world.from_coefficients(large), fri_world.from_coefficients(small))
    return dict(zip((9, 8), values, strict=True))


def test_lower_heights_roll_in_with_fresh_randomness() -> None:
    """Plonky3 (GHSA-f69f-5fx9-w9r9): excess degrees of two heights cancelled each other."""
    small, high, low = fri_world.SMALL, cancelling(is_low=False), cancelling(is_low=True)
    fri_world.verify_functions(small, low, fri_world.prove_functions(small, low))
    with pytest.raises(InvalidProof):
        fri_world.verify_functions(small, high, fri_world.prove_functions(small, high))
    folded, rest = np.array(high[9].rows[:256]), np.array(high[8].rows)
    assert not ((folded + rest) % P).any(), "without randomness, the excess would be gone"


@pytest.mark.parametrize("change", [-1, 1, 4])
def test_the_final_polynomial_has_as_many_coefficients_as_its_degree_allows(change: int) -> None:
    """Plonky3 (GHSA-f69f-5fx9-w9r9): nobody checked the degree of the final polynomial."""
    fri = random_proof().fri
    final = (fri.final_polynomial * 2)[: len(fri.final_polynomial) + change]
    longer = replace(fri, final_polynomial=final)
    begin_fri(PARAMETERS, Transcript("t"), INSTANCE.log_sizes, fri)
    with pytest.raises(WrongLength, match="final polynomial"):
        begin_fri(PARAMETERS, Transcript("t"), INSTANCE.log_sizes, longer)


# WHAT THE VERIFIER DERIVES BY ITSELF


def test_the_order_of_the_chips_is_the_key_s() -> None:
    """SP1 before 4: the prover said which chip comes when."""
    assert [table.air.name for table in INSTANCE.tables] == [n for n in NAMES if n not in LEFT_OUT]
    swapped = replace(ZKVM, chips=(ZKVM.chips[1], ZKVM.chips[0], *ZKVM.chips[2:]))
    assert VerifyingKey(swapped, PARAMETERS, NUMBERS, FIXED, bytes(32)).digest != KEY.digest


@pytest.mark.parametrize(
    ("name", "log_height", "what"),
    [
        *((name, height + change, name) for name, height in FIXED.items() for change in (1, -1)),
        ("program_table", ABSENT, "program_table"),
        ("add_sub", 1, "add_sub"),
        ("add_sub", 23, "add_sub"),
        ("secp256k1", 19, "secp256k1"),
    ],
)
def test_heights_are_the_key_s_or_within_its_bounds(name: str, log_height: int, what: str) -> None:
    """SP1 before 4: heights on trust."""
    key = VerifyingKey(ZKVM, replace(PARAMETERS, max_log_height=22), NUMBERS, FIXED, bytes(32))
    heights = dict(zip(NAMES, LOG_HEIGHTS, strict=True)) | {name: log_height}
    with pytest.raises(OutOfRange, match=f"rows of {what}"):
        decode(key, MAGIC + bytes(heights.values()))


@pytest.mark.parametrize("excess_bytes", [-16, -4, -1, 1, 4, 16])
def test_a_proof_has_exactly_the_openings_that_its_heights_demand(excess_bytes: int) -> None:
    """SP1 before 4: numbers of openings on trust."""
    encoded = encode(random_proof())
    other = encoded[:excess_bytes] if excess_bytes < 0 else encoded + bytes(excess_bytes)
    with pytest.raises(WrongLength, match="bytes of the proof"):
        decode(KEY, other)


def test_layers_and_queries_of_fri_are_counted() -> None:
    """SP1 before 4: a proof with no layers, or no queries, shows nothing."""
    fri = random_proof().fri
    others = [replace(fri, layer_roots=fri.layer_roots[:count]) for count in (0, -1)]
    others += [replace(fri, queries=fri.queries[:count]) for count in (0, -1)]
    others += [replace(fri, queries=fri.queries * 2)]
    for other in others:
        with pytest.raises(WrongLength):
            begin_fri(PARAMETERS, Transcript("t"), INSTANCE.log_sizes, other)
