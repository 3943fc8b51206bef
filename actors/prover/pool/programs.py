"""What a pool proves: a program under a parameter set, and the key that its proofs are known by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from actors.prover.stf import ARTIFACTS, guest_key
from proving.parameters import FAST, KNOWN_PARAMETERS, Parameters, parameters_named
from proving.stark.keys import VerifyingKey
from proving.zkvm.proof_file import KeyRecord


@dataclass(frozen=True, slots=True)
class PoolProgram:
    """One program under one parameter set. `elf_file` is on the pool's machine."""

    elf_file: Path
    parameters: Parameters
    key: KeyRecord


@cache
def verifying_key(key: KeyRecord, parameters: Parameters) -> VerifyingKey:
    """The key that proofs are verified against; it takes a moment to make."""
    return key.verifying_key_under(parameters)


def stf_programs(parameter_set: str = FAST.name) -> tuple[PoolProgram, ...]:
    """The state transition function under every known parameter set, the named one first.

    Raises
    ------
    UnknownParameters
        There is no such set.
    """
    names = [parameters_named(parameter_set).name]
    names += [name for name in KNOWN_PARAMETERS if name not in names]
    return tuple(
        PoolProgram(ARTIFACTS / "stf.elf", KNOWN_PARAMETERS[name], guest_key(name))
        for name in names
    )
