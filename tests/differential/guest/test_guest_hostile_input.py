"""Whoever proves chooses all of the input region: the guest's input may claim any length."""

import pytest

from execution.witness import encode_witness
from proving.machine import state
from proving.machine.layout import INPUT_END, INPUT_START
from proving.machine.program import Words
from proving.machine.state import Limits
from tests.differential.guest.machine import exit_code, run_guest
from tests.differential.guest.test_guest_hostile_witnesses import BAD_WITNESS, batch, witness

REGION_BYTES = INPUT_END - INPUT_START
LENGTH_BYTES = 4

pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")


def claim_length(patch: pytest.MonkeyPatch, length_bytes: int) -> None:
    """Let the input say another length of itself than it has."""
    lay_out = state.words_of_input

    def lying(input_bytes: bytes, limits: Limits) -> Words:
        words = lay_out(input_bytes, limits).copy()
        words[0] = length_bytes
        return words

    patch.setattr(state, "words_of_input", lying)


def test_the_true_length_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = encode_witness(witness())
    claim_length(monkeypatch, len(encoded))
    assert run_guest(encoded).proves(batch().statement())


@pytest.mark.parametrize("change", [-4, -1, 1, 3, 4, 1 << 16])
def test_a_length_that_is_not_the_witness_s_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    encoded = encode_witness(witness())
    claim_length(monkeypatch, len(encoded) + change)
    assert exit_code(encoded) == BAD_WITNESS


@pytest.mark.parametrize(
    "length_bytes",
    [
        0,
        3,
        REGION_BYTES - LENGTH_BYTES,
        REGION_BYTES - LENGTH_BYTES + 1,
        (1 << 31) - 1,
        1 << 31,
        (1 << 32) - INPUT_START,
        (1 << 32) - LENGTH_BYTES,
        (1 << 32) - 1,
    ],
)
def test_a_length_at_the_ends_of_what_can_be_addressed_is_refused(
    monkeypatch: pytest.MonkeyPatch, length_bytes: int
) -> None:
    """SP1 and RISC Zero: arithmetic on a length of the host's choice that wraps."""
    claim_length(monkeypatch, length_bytes)
    assert exit_code(encode_witness(witness())) == BAD_WITNESS
