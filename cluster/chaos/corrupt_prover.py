"""A prover that is right but for one proof: what a worker in the adversary's hands hands in."""

from __future__ import annotations

from pathlib import Path

from actors.prover.pool.proving import MakeProver, OnPhase, Proven, Prover, zkvm_prover
from proving.parameters import Parameters
from proving.zkvm.proof_file import KeyRecord


class CorruptProver:
    """Flips one byte of the first proof that is ready after its marker file was made."""

    def __init__(self, honest: Prover, marker: Path) -> None:
        self._honest = honest
        self._marker = marker

    @property
    def device(self) -> str:
        """What it computes on."""
        return self._honest.device

    def prove(self, witness: bytes, on_phase: OnPhase) -> Proven:
        """Prove a run, and spoil the proof once."""
        proven = self._honest.prove(witness, on_phase)
        try:
            self._marker.unlink()  # Of all workers, one gets it.
        except FileNotFoundError:
            return proven
        middle = len(proven.proof) // 2
        flipped = bytes([proven.proof[middle] ^ 1])
        spoiled = proven.proof[:middle] + flipped + proven.proof[middle + 1 :]
        return Proven(spoiled, proven.cycles, proven.seconds)


def corrupt_prover(marker: Path) -> MakeProver:
    """A maker of provers that share one marker file."""

    def make(elf: bytes, parameters: Parameters, key: KeyRecord) -> Prover:
        return CorruptProver(zkvm_prover(elf, parameters, key), marker)

    return make
