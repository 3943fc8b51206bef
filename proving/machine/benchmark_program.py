"""The benchmark's program: mixed work of exactly as many cycles as wanted.

`artifacts/mixed.c` says what a round does; its cycles depend on the data, so the number of rounds
is searched for and the rest is filled with idle cycles.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from proving.machine.elf import load_elf
from proving.machine.errors import InvalidLimitsError
from proving.machine.executor import run_only
from proving.machine.layout import WORD_BYTES
from proving.machine.program import Program

_ELF = Path(__file__).parent / "artifacts" / "mixed.elf"
_CYCLES_PER_IDLE_PAIR = 2


@cache
def mixed_program() -> Program:
    """The program; `mixed_input` gives what it runs on."""
    return load_elf(_ELF.read_bytes())


def mixed_input(cycles: int) -> bytes:
    """Input on which the program halts after exactly `cycles` cycles.

    Raises
    ------
    InvalidLimitsError
        Fewer cycles than the program takes without any round.
    """
    fewest = _cycles_of(rounds=0)
    if cycles < fewest + _CYCLES_PER_IDLE_PAIR:
        raise InvalidLimitsError(f"{cycles} cycles: the mixed program takes more than {fewest}")

    # ROUNDS: the most that leave room for the idle cycles' smallest number
    enough, too_many = 0, 1
    while _cycles_of(too_many) + _CYCLES_PER_IDLE_PAIR <= cycles:
        enough, too_many = too_many, 2 * too_many
    while too_many - enough > 1:
        middle = (enough + too_many) // 2
        if _cycles_of(middle) + _CYCLES_PER_IDLE_PAIR <= cycles:
            enough = middle
        else:
            too_many = middle

    # IDLE
    pairs, single = divmod(cycles - _cycles_of(enough), _CYCLES_PER_IDLE_PAIR)
    return _input(enough, pairs, single)


def _cycles_of(rounds: int) -> int:
    return run_only(mixed_program(), _input(rounds, 0, 0)).cycles


def _input(rounds: int, idle_pairs: int, idle_single: int) -> bytes:
    return b"".join(
        number.to_bytes(WORD_BYTES, "little") for number in (rounds, idle_pairs, idle_single)
    )
