"""The toy machine with eight public words: small proofs that the L1 verifier takes.

publisher   sends each word under its index; without constraints
and the chips of `tests.support.toy_machine`, whose output the key fixes as a parameter
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from proving.air.chip import AirBuilder, Bus, ChipDefinition, compile_chip
from proving.parameters import Parameters
from proving.stark.codec import encode
from proving.stark.machine import ChipRule, Machine, RowLimit, VerifierTerm
from proving.stark.prover import prove
from proving.stark.setup import ProvingKey, setup
from tests.support.proof_mutations import Claim
from tests.support.toy_machine import (
    LOG_SQUARES,
    OUTPUT,
    PARAMETERS,
    TESTING,
    TOY_MACHINE,
    Columns,
    fibonacci_trace,
    toy_traces,
)

WORDS = Bus(23, "words", ("index", "low", "high"))
LOG_FIBONACCI = 4
LAST_VALUE = "last value"
PUBLIC_VALUES = tuple(0x9E37_79B9 * (k + 1) % 2**32 for k in range(8))


def _publisher(air: AirBuilder) -> None:
    index, low, high, flag = (air.local.one(name) for name in ("index", "low", "high", "flag"))
    air.assert_boolean("flag is boolean", flag)
    air.send(WORDS, (index, low, high), flag)


PUBLISHER = ChipDefinition("publisher", {"index": 1, "low": 1, "high": 1, "flag": 1}, _publisher)


def verifier_terms(
    parameters: Mapping[str, int], public_values: Sequence[int]
) -> list[VerifierTerm]:
    """Take the sequence's last value, which the key knows, and the words."""
    output = VerifierTerm(OUTPUT, (parameters[LAST_VALUE],), -1)
    words = [
        VerifierTerm(WORDS, (index, word & 0xFFFF, word >> 16), -1)
        for index, word in enumerate(public_values)
    ]
    return [output, *words]


SETTLED_TOY = Machine(
    name="settled toy 1",
    chips=(*TOY_MACHINE.chips, ChipRule(compile_chip(PUBLISHER), is_optional=True)),
    verifier_terms=verifier_terms,
    row_limits=(RowLimit(frozenset({"user", "mixer"}), 1 << 10),),
    max_public_values=16,
)


@cache
def settled_key(parameters: Parameters = TESTING) -> ProvingKey:
    """The machine's key."""
    roots = np.arange(1 << LOG_SQUARES, dtype=np.uint32)
    last = int(fibonacci_trace(LOG_FIBONACCI)[0, -1])
    preprocessed = {"squares": np.stack([roots, roots * roots])}
    return setup(SETTLED_TOY, preprocessed, {**PARAMETERS, LAST_VALUE: last}, parameters)


def settled_traces(
    public_values: Sequence[int] = PUBLIC_VALUES,
    log_user: int | None = 5,
    log_mixer: int | None = 3,
) -> dict[str, Columns]:
    """Fill the tables honestly."""
    traces, _ = toy_traces(LOG_FIBONACCI, log_user, log_mixer)
    publisher = np.zeros((4, 16), np.uint32)
    for index, word in enumerate(public_values):
        publisher[:, index] = (index, word & 0xFFFF, word >> 16, 1)
    return {**traces, "publisher": publisher}


@cache
def settled_claim(
    parameters: Parameters = TESTING, log_user: int | None = 5, log_mixer: int | None = 3
) -> Claim:
    """An honest proof over tables of these heights."""
    key = settled_key(parameters)
    traces = settled_traces(log_user=log_user, log_mixer=log_mixer)
    proof, _ = prove(key, traces, PUBLIC_VALUES)
    return Claim(key.verifying_key, encode(proof), PUBLIC_VALUES)
