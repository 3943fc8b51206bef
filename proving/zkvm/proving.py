"""From a program and its input to a proof of the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from proving.machine.executor import DEFAULT_LIMITS, execute
from proving.machine.state import Limits
from proving.stark.codec import encode
from proving.stark.prover import prove
from proving.traces.assembly import assemble
from proving.zkvm.program_key import ProgramKey
from proving.zkvm.proof_file import SegmentRecord

OnPhase = Callable[[str, float], None]
"""Called with the phase that begins, and with the fraction of the work that is done before it."""

EXECUTE, TRACES = "execute", "traces"
_SHARE_BEFORE_PROVING = 0.15


@dataclass(frozen=True, slots=True)
class ProvenRun:
    """A run and its proof.

    Attributes
    ----------
    seconds
        By phase, in the order in which they ran.
    """

    segment: SegmentRecord
    cycles: int
    seconds: dict[str, float]


def prove_run(
    key: ProgramKey,
    input_bytes: bytes,
    statement: bytes = b"",
    on_phase: OnPhase | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> ProvenRun:
    """Run the program on an input and prove it.

    Parameters
    ----------
    statement
        Kept beside the proof: what the public values are the digest of.

    Raises
    ------
    Fault, InputTooLongError
        The run does not end in success, so there is nothing to prove.
    """

    def begin(phase: str, fraction: float) -> None:
        if on_phase:
            on_phase(phase, fraction)

    seconds: dict[str, float] = {}
    begin(EXECUTE, 0.0)
    started = perf_counter()
    execution = execute(key.program, input_bytes, limits)
    seconds[EXECUTE] = perf_counter() - started

    begin(TRACES, _SHARE_BEFORE_PROVING / 3)
    started = perf_counter()
    traces = assemble(execution)
    cycles, public_values = execution.cycles, execution.public_values
    del execution
    seconds[TRACES] = perf_counter() - started

    def relay(phase: str, fraction: float) -> None:
        begin(phase, _SHARE_BEFORE_PROVING + (1 - _SHARE_BEFORE_PROVING) * fraction)

    proof, report = prove(key.proving_key, traces, public_values, relay)
    started = perf_counter()
    encoded = encode(proof)
    seconds |= report.seconds | {"encode": perf_counter() - started}
    return ProvenRun(SegmentRecord(public_values, statement, encoded), cycles, seconds)
