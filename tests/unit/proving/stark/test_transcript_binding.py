"""Every challenge depends on everything that was sent before it, and on nothing after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proving.field.extension import Extension
from proving.parameters import Parameters
from proving.stark import transcript_order as order
from proving.stark.instance import Instance
from proving.stark.keys import VerifyingKey
from tests.support.toy_machine import PARAMETERS, TESTING, TOY_MACHINE

ORDER = (
    "machine",
    "program",
    "parameters",
    "proof parameters",
    "public values",
    "log heights",
    "main root",
    "lookup nonce",
    "lookup root",
    "sums",
    "quotient root",
    "opened values",
    "batching nonce",
)
CHALLENGES = ("gamma", "beta", "alpha", "z", "lambda")
FIRST_BOUND = {
    "lookup root": "alpha",
    "sums": "alpha",
    "quotient root": "z",
    "opened values": "lambda",
    "batching nonce": "lambda",
}
"""Which challenge is the first after an element; gamma for all others."""


def challenges(changed: str | None = None) -> dict[str, Extension]:
    """Draw all challenges of a proof in which one element is changed."""

    def root(name: str) -> bytes:
        return bytes([name == changed]) * 32

    parameters: Parameters = TESTING
    if changed == "proof parameters":
        parameters = replace(parameters, query_count=7)
    machine = replace(TOY_MACHINE, name="other") if changed == "machine" else TOY_MACHINE
    numbers = {"seed": 6} if changed == "parameters" else PARAMETERS
    key = VerifyingKey(machine, parameters, numbers, {"squares": 6}, root("program"))
    instance = Instance(key, (4, 6, 5, 4 if changed == "log heights" else 3))
    transcript = order.begin(instance, (2,) if changed == "public values" else (1,))

    def proof_of_work(name: str) -> Callable[[str, int], None]:
        nonce = bytes([name == changed])
        return lambda label, bits: transcript.observe(label, nonce)

    def values(name: str) -> list[Extension]:
        return [Extension((0, 0, 0, 1)), Extension((0, 0, int(name == changed), 0))]

    lookups = order.after_main(transcript, root("main root"), 0, proof_of_work("lookup nonce"))
    alpha = order.after_lookups(transcript, root("lookup root"), values("sums"))
    z = order.after_quotient(transcript, root("quotient root"))
    batching = order.after_opened_values(
        transcript, values("opened values"), 0, proof_of_work("batching nonce")
    )
    drawn = (lookups.gamma, lookups.beta, alpha, z, batching)
    return dict(zip(CHALLENGES, drawn, strict=True))


@pytest.mark.parametrize("element", ORDER)
def test_an_element_changes_every_later_challenge_and_no_earlier_one(element: str) -> None:
    honest, other = challenges(), challenges(element)
    first = CHALLENGES.index(FIRST_BOUND.get(element, "gamma"))
    for position, name in enumerate(CHALLENGES):
        assert (other[name] != honest[name]) == (position >= first), name


def test_all_challenges_differ() -> None:
    assert len(set(challenges().values())) == len(CHALLENGES)


def test_public_values_are_not_taken_for_one_another() -> None:
    """(1) and (1, 0) and () give different challenges: the number of values is bound too."""
    key = VerifyingKey(TOY_MACHINE, TESTING, PARAMETERS, {"squares": 6}, bytes(32))
    instance = Instance(key, (4, 6, 5, 3))
    drawn = [
        order.begin(instance, values).sample_extension("first")
        for values in ((), (0,), (1,), (1, 0), (0, 1))
    ]
    assert len(set(drawn)) == len(drawn)
