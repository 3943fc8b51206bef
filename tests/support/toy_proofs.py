"""Keys and honest proofs of the toy machine, made once for all tests of a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from proving.parameters import Parameters
from proving.stark.codec import encode
from proving.stark.prover import prove
from proving.stark.setup import ProvingKey
from tests.support.proof_mutations import Claim
from tests.support.toy_machine import TESTING, Columns, toy_key, toy_traces


@dataclass(frozen=True)
class World:
    """A key, honest traces, their statement, and the honest proof."""

    key: ProvingKey
    traces: dict[str, Columns]
    public_values: tuple[int, ...]
    encoded: bytes

    @property
    def claim(self) -> Claim:
        """What the verifier is given."""
        return Claim(self.key.verifying_key, self.encoded, self.public_values)


@cache
def shared_key(parameters: Parameters = TESTING) -> ProvingKey:
    """The toy machine's key."""
    return toy_key(parameters)


@cache
def honest_world(
    parameters: Parameters = TESTING,
    log_fibonacci: int = 4,
    log_user: int | None = 5,
    log_mixer: int | None = 3,
) -> World:
    """An honest proof over tables of these heights."""
    key = shared_key(parameters)
    traces, public_values = toy_traces(log_fibonacci, log_user, log_mixer)
    proof, _ = prove(key, traces, public_values)
    return World(key, traces, tuple(public_values), encode(proof))
