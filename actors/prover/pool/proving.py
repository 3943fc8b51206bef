"""A warm prover of one program: its key, and the compiled programs that its process keeps."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from actors.prover.pool.errors import WrongBuild
from proving.machine.elf import load_elf
from proving.parameters import Parameters
from proving.zkvm.proof_file import KeyRecord

OnPhase = Callable[[str, float], None]
"""Called in the proving thread as a phase begins, with the share of the work before it."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A proof, and what it took."""

    proof: bytes
    cycles: int
    seconds: float


class Prover(Protocol):
    """Proves runs of one program, one at a time."""

    @property
    def device(self) -> str:
        """What it computes on."""

    def prove(self, witness: bytes, on_phase: OnPhase) -> Proven:
        """Prove the run on an input. Raises whatever went wrong."""


MakeProver = Callable[[bytes, Parameters, KeyRecord], Prover]
"""Makes the prover of an ELF file's program under a parameter set, which has that key."""


class ZkvmProver:
    """The zkVM's prover. The first proof of a process loads what was compiled, or compiles it.

    Raises
    ------
    WrongBuild
        The program's key is another one.
    """

    def __init__(self, elf: bytes, parameters: Parameters, key: KeyRecord) -> None:
        # JAX takes seconds to import and memory to hold: only workers pay for it.
        import jax

        from proving.zkvm.program_key import make_program_key

        self._key = make_program_key(load_elf(elf), parameters)
        if self._key.record != key:
            raise WrongBuild(
                f"expected the key {key.preprocessed_root.hex()}, got "
                f"{self._key.record.preprocessed_root.hex()}: are ELF file and key of one build?"
            )
        self._device = str(jax.default_backend())

    @property
    def device(self) -> str:
        """JAX's backend: cpu, gpu."""
        return self._device

    def prove(self, witness: bytes, on_phase: OnPhase) -> Proven:
        """Prove the run on an input.

        Raises
        ------
        MachineError, ProvingError
            The run fails, or is larger than the parameter set allows.
        """
        from proving.zkvm.proving import prove_run

        started = perf_counter()
        try:
            run = prove_run(self._key, witness, on_phase=on_phase)
        finally:
            _release_memory()
        return Proven(run.segment.proof, run.cycles, perf_counter() - started)


def zkvm_prover(elf: bytes, parameters: Parameters, key: KeyRecord) -> Prover:
    """The prover that pools use unless they are told otherwise."""
    return ZkvmProver(elf, parameters, key)


def _release_memory() -> None:
    """Give the gigabytes of a proof back to the system, where the C library can."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
