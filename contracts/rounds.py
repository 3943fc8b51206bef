"""Game rounds of the ``RoundGuard``, read through its ``rounds(uint256)`` view."""

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_hash.auto import keccak

from contracts.errors import ReturnDataError
from execution.types import Address

_ROUNDS: Final = bytes(keccak(b"rounds(uint256)")[:4])
_WORDS: Final = 12


@dataclass(frozen=True, slots=True)
class Round:
    """One round: its caps, and what is left of them."""

    round_id: int
    owner: Address
    game_on_fast: Address
    trophy: Address
    deadline_seconds: int
    unit_value_wei: int
    remaining_mints: int
    remaining_value_wei: int
    bond_wei: int
    surplus_mints: int
    surplus_value_wei: int
    session_count: int
    is_open: bool


def round_call(round_id: int) -> bytes:
    """Return the view call for one round: to the ``RoundGuard``."""
    return _ROUNDS + encode(("uint256",), (round_id,))


def decode_round(round_id: int, output: bytes) -> Round | None:
    """Decode the output of :func:`round_call`; None for a round that was never opened.

    Raises
    ------
    ReturnDataError
        The output has another length.

    """
    if len(output) != 32 * _WORDS:
        raise ReturnDataError("RoundGuard.rounds", f"{32 * _WORDS} bytes", len(output))
    words = [output[start : start + 32] for start in range(0, len(output), 32)]
    if not any(words[0]):
        return None
    numbers = [int.from_bytes(word) for word in words]
    return Round(
        round_id=round_id,
        owner=Address(words[0][12:]),
        game_on_fast=Address(words[1][12:]),
        trophy=Address(words[2][12:]),
        deadline_seconds=numbers[3],
        unit_value_wei=numbers[4],
        remaining_mints=numbers[5],
        remaining_value_wei=numbers[6],
        bond_wei=numbers[7],
        surplus_mints=numbers[8],
        surplus_value_wei=numbers[9],
        session_count=numbers[10],
        is_open=bool(numbers[11]),
    )
