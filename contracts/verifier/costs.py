"""What it costs to verify a proof on L1, step by step.

`python -m contracts.verifier.costs FILE` prints it for each proof of a proof file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from contracts.verifier.calls import Step, cut
from contracts.verifier.errors import SessionError
from contracts.verifier.rehearsal import RehearsalChain, RehearsedVerifier, Sent, deploy
from proving.stark.keys import VerifyingKey
from proving.zkvm.proof_file import decode_proof_file, key_of


@dataclass(frozen=True, slots=True)
class StepCost:
    """Transactions of one kind.

    Attributes
    ----------
    call_data_bytes, gas
        In all of them.
    largest_gas, largest_bytes
        Of the largest one; bytes are those of the raw transaction.
    """

    step: str
    transactions: int
    call_data_bytes: int
    gas: int
    largest_gas: int
    largest_bytes: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What one proof costs.

    Attributes
    ----------
    deployment
        Of the verifier and its data contracts, once for a key.
    steps
        For each proof.
    seconds
        That the rehearsal of the steps took.
    """

    deployment: StepCost
    steps: tuple[StepCost, ...]
    seconds: float

    @property
    def gas(self) -> int:
        """Of all steps."""
        return sum(step.gas for step in self.steps)

    @property
    def largest_gas(self) -> int:
        """Of the largest transaction."""
        return max(step.largest_gas for step in self.steps)

    def figures(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "gas": self.gas,
            "transactions": sum(step.transactions for step in self.steps),
            "call_data_bytes": sum(step.call_data_bytes for step in self.steps),
            "largest_gas": self.largest_gas,
            "largest_bytes": max(step.largest_bytes for step in self.steps),
            "seconds": round(self.seconds, 2),
            "steps": [asdict(step) for step in self.steps],
            "deployment": asdict(self.deployment),
        }


def measure(
    key: VerifyingKey,
    encoded: bytes,
    public_values: Sequence[int],
    verifier: RehearsedVerifier | None = None,
) -> Costs:
    """Rehearse a proof's verification.

    Parameters
    ----------
    verifier
        For the key; a new one if it is None. Nothing of the rehearsal stays in it.

    Raises
    ------
    SessionError
        The contract does not accept the proof.
    """
    verifier = verifier or deploy(RehearsalChain(), key)
    session = cut(key, encoded, public_values)
    started = perf_counter()
    with verifier.chain.forgotten():
        sent = verifier.send_all(session.calls)
        is_verified = verifier.is_verified(session.statement_digest)
    seconds = perf_counter() - started
    if not is_verified:
        call = session.calls[len(sent) - 1]
        raise SessionError(f"the contract refuses {call.step}, from {call.first} on")
    pairs = list(zip(session.calls, sent, strict=True))
    steps = tuple(
        _cost(step, [(call.data, own) for call, own in pairs if call.step is step]) for step in Step
    )
    deployment = _cost("deploy", [(own.raw, own) for own in verifier.deployment])
    return Costs(deployment, steps, seconds)


def _cost(step: str, sent: Sequence[tuple[bytes, Sent]]) -> StepCost:
    return StepCost(
        step=str(step),
        transactions=len(sent),
        call_data_bytes=sum(len(data) for data, _ in sent),
        gas=sum(own.receipt.gas_used for _, own in sent),
        largest_gas=max(own.receipt.gas_used for _, own in sent),
        largest_bytes=max(len(own.raw) for _, own in sent),
    )


def main(arguments: Sequence[str]) -> None:
    """Print the costs of a file's proofs as JSON."""
    (path,) = arguments
    proof_file = decode_proof_file(Path(path).read_bytes())
    key = key_of(proof_file)
    verifier = deploy(RehearsalChain(), key)
    figures = [
        measure(key, segment.proof, segment.public_values, verifier).figures()
        for segment in proof_file.segments
    ]
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
