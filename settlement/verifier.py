"""The STARK verifier on L1 as settlement uses it: its deployment, and proofs given to it.

A session on chain is fixed by the statement and the proof, so its steps can be taken by
anybody, and each is taken once. Steps go in order: the transactions of one key do, by
their nonces, so several may be on their way at once.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from contracts.verifier import calls as verifier_calls
from contracts.verifier.calls import Session, Step
from contracts.verifier.deployment import plan_deployment
from contracts.verifier.errors import SessionError
from contracts.verifier.progress import progress_call, read_progress
from execution.types import Address, Hash32
from ledger.hashing import keccak
from proving.stark.keys import VerifyingKey
from settlement.errors import MalformedAnswer
from settlement.interfaces import CallReader, SegmentProof
from settlement.l1.account import Call

TRANSACTION_GAS_LIMIT: Final = 16_777_216
"""EIP-7825."""

MAX_SESSIONS_KEPT: Final = 32

_TRANSACTION_GAS: Final = 21_000
_TOKEN_FLOOR_GAS: Final = 10
_QUERY_GAS: Final = 250_000
"""More than one query takes beyond what its call data cost (docs/settlement-verifier.md)."""


class StarkVerifierContracts:
    """The verifier for one key, as a deployment takes it."""

    def __init__(self, key: VerifyingKey) -> None:
        self._plan = plan_deployment(key)

    def init_codes(self, address_of: Callable[[int], Address]) -> Sequence[bytes]:
        """Data contracts with the programs, then the verifier."""
        programs = self._plan.programs
        places = [address_of(index) for index in range(len(programs))]
        return (*programs, self._plan.verifier(places))


class StarkPoster:
    """A :class:`settlement.interfaces.ProofPoster` for the ``StarkVerifier`` at an address.

    Parameters
    ----------
    most_call_bytes
        Of one call's data.
    """

    def __init__(
        self, key: VerifyingKey, most_call_bytes: int = verifier_calls.MOST_CALL_BYTES
    ) -> None:
        self._key = key
        self._most_call_bytes = most_call_bytes
        self._sessions: OrderedDict[Hash32, Session] = OrderedDict()

    async def remaining_calls(
        self, proof: SegmentProof, verifier: Address, reader: CallReader
    ) -> Sequence[Call]:
        """Steps that are left, in order; the first is estimated before it is sent."""
        session = self._session(proof)
        output = await reader.call(verifier, progress_call(session.session_id))
        try:
            done = read_progress(output)
        except SessionError as error:
            raise MalformedAnswer(f"the verifier: {error}") from error
        left = session.remaining(done.is_begun, done.tables, done.queries)
        name = session.session_id.hex()[:8]
        return [
            Call(
                to=verifier,
                data=step.data,
                gas_limit=0 if index == 0 else follower_gas(step),
                purpose=f"verify {name}: {step.step.value} {step.first} to "
                f"{step.first + step.count - 1}",
            )
            for index, step in enumerate(left)
        ]

    def _session(self, proof: SegmentProof) -> Session:
        name = Hash32(keccak(proof.statement + keccak(proof.proof)))
        known = self._sessions.get(name)
        if known is None:
            words = digest_words(proof.statement)
            known = verifier_calls.cut(self._key, proof.proof, words, self._most_call_bytes)
            self._sessions[name] = known
            if len(self._sessions) > MAX_SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        return known


def follower_gas(step: verifier_calls.Call) -> int:
    """Gas limit of a step that cannot be estimated: those before it are not in a block yet.

    Too low a limit costs the transaction, and the step is estimated when its turn comes.
    """
    if step.step is not Step.QUERY:
        return TRANSACTION_GAS_LIMIT
    tokens = 4 * len(step.data) - 3 * step.data.count(0)
    floor = _TRANSACTION_GAS + _TOKEN_FLOOR_GAS * tokens
    return min(floor + step.count * _QUERY_GAS, TRANSACTION_GAS_LIMIT)


def digest_words(statement: bytes) -> tuple[int, ...]:
    """Public values of a proof of an encoded statement, as ``execution.statement`` has them."""
    value = keccak(statement)
    return tuple(int.from_bytes(value[at : at + 4], "big") for at in range(0, 32, 4))
