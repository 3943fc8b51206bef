"""Honest proofs are accepted, whatever tables the machine fills."""

from __future__ import annotations

import pytest

from proving.parameters import FAST, SETTLEMENT
from proving.stark.codec import decode, encode
from proving.stark.instance import ABSENT
from proving.stark.prover import PHASES, prove
from proving.stark.verifier import verify
from tests.support.toy_machine import TESTING, TESTING_SETTLEMENT, toy_key, toy_traces
from tests.support.toy_proofs import World, honest_world, shared_key


def assert_accepted(world: World) -> None:
    verify(world.key.verifying_key, world.encoded, world.public_values)


@pytest.mark.parametrize("parameters", [TESTING, TESTING_SETTLEMENT], ids=lambda p: p.name)
@pytest.mark.parametrize(
    ("log_fibonacci", "log_user", "log_mixer"),
    [(4, 5, 3), (6, 6, 6), (2, None, None), (7, None, 2)],
    ids=["mixed heights", "equal heights", "optional chips absent", "one optional chip"],
)
def test_an_honest_proof_is_accepted(parameters, log_fibonacci, log_user, log_mixer) -> None:  # type: ignore[no-untyped-def]
    assert_accepted(honest_world(parameters, log_fibonacci, log_user, log_mixer))


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT], ids=lambda p: p.name)
def test_an_honest_proof_with_real_parameters_is_accepted(parameters) -> None:  # type: ignore[no-untyped-def]
    assert_accepted(honest_world(parameters, 6, 5, 5))


@pytest.mark.parametrize("points_per_piece", [8, 256])
def test_the_size_of_pieces_does_not_change_the_proof(points_per_piece: int) -> None:
    world = honest_world()
    key = toy_key()
    for evaluator in key.evaluators.values():
        evaluator.points_per_piece = points_per_piece
    proof, _ = prove(key, world.traces, world.public_values)
    assert encode(proof) == world.encoded


def test_absent_chips_take_no_part() -> None:
    world = honest_world(TESTING, 2, None, None)
    instance, proof = decode(world.key.verifying_key, world.encoded)
    assert [table.air.name for table in instance.tables] == ["fibonacci", "squares"]
    assert proof.log_heights[2:] == (ABSENT, ABSENT)
    assert len(proof.sums) == 2


def test_the_encoding_is_that_of_one_proof() -> None:
    world = honest_world()
    _, proof = decode(world.key.verifying_key, world.encoded)
    assert encode(proof) == world.encoded


def test_proving_twice_gives_the_same_proof() -> None:
    world = honest_world()
    proof, _ = prove(world.key, world.traces, world.public_values)
    assert encode(proof) == world.encoded


def test_progress_goes_through_all_phases_in_order() -> None:
    seen: list[tuple[str, float]] = []
    traces, public_values = toy_traces(4, 5, 3)
    _, report = prove(
        shared_key(), traces, public_values, lambda phase, fraction: seen.append((phase, fraction))
    )
    assert [phase for phase, _ in seen] == [*PHASES, "done"]
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert set(report.seconds) == set(PHASES)
