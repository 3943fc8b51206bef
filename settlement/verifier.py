"""The STARK verifier on L1 as settlement uses it: its deployment, and proofs given to it.

A session on chain is fixed by the statement and the proof, so its steps can be taken by
anybody, and each is taken once. Steps go in order: the transactions of one key do, by
their nonces, so several may be on their way at once.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.verifier import calls as verifier_calls
from contracts.verifier.calls import Session, Step
from contracts.verifier.deployment import plan_deployment
from execution.types import Address, Hash32
from ledger.hashing import keccak
from proving.stark.keys import VerifyingKey
from settlement.errors import MalformedAnswer
from settlement.interfaces import CallReader, SegmentProof
from settlement.l1.account import Call

FOLLOWER_GAS_LIMIT: Final = 16_777_216
"""Of steps that cannot be estimated, as those before them are not in a block yet (EIP-7825)."""

MAX_SESSIONS_KEPT: Final = 32

_SESSIONS: Final = keccak(b"sessions(bytes32)")[:4]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is on chain."""

    tables: int
    queries: int
    is_begun: bool


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
        self,
        verifier: Address,
        key: VerifyingKey,
        most_call_bytes: int = verifier_calls.MOST_CALL_BYTES,
    ) -> None:
        self._verifier = verifier
        self._key = key
        self._most_call_bytes = most_call_bytes
        self._sessions: OrderedDict[Hash32, Session] = OrderedDict()

    async def remaining_calls(self, proof: SegmentProof, reader: CallReader) -> Sequence[Call]:
        """Steps that are left, in order; the first is estimated before it is sent."""
        session = self._session(proof)
        progress = await self._progress(session.session_id, reader)
        left = session.remaining(progress.is_begun, progress.tables, progress.queries)
        if self._is_cut_elsewhere(session, progress):
            session = self._cut(proof, progress.queries)
            left = session.remaining(True, progress.tables, progress.queries)
        name = session.session_id.hex()[:8]
        return [
            Call(
                to=self._verifier,
                data=step.data,
                gas_limit=0 if index == 0 else FOLLOWER_GAS_LIMIT,
                purpose=f"verify {name}: {step.step.value} {step.first} to "
                f"{step.first + step.count - 1}",
            )
            for index, step in enumerate(left)
        ]

    def _session(self, proof: SegmentProof) -> Session:
        name = Hash32(keccak(proof.statement + keccak(proof.proof)))
        known = self._sessions.get(name)
        if known is None:
            known = self._sessions[name] = self._cut(proof, 0)
            if len(self._sessions) > MAX_SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        return known

    def _cut(self, proof: SegmentProof, queries_done: int) -> Session:
        return verifier_calls.cut(
            self._key,
            proof.proof,
            digest_words(proof.statement),
            self._most_call_bytes,
            queries_done=queries_done,
        )

    def _is_cut_elsewhere(self, session: Session, progress: Progress) -> bool:
        """Whether somebody else's calls ended inside of one of ours."""
        queries = [step.first for step in session.calls if step.step is Step.QUERY]
        return progress.queries > 0 and progress.queries not in queries

    async def _progress(self, session_id: bytes, reader: CallReader) -> Progress:
        output = await reader.call(self._verifier, _SESSIONS + session_id)
        if len(output) != 4 * 32:
            raise MalformedAnswer(f"a session of {len(output)} bytes, expected 128")
        tables, queries, is_begun = (
            int.from_bytes(output[at : at + 32], "big") for at in (0, 32, 64)
        )
        return Progress(tables, queries, bool(is_begun))


def digest_words(statement: bytes) -> tuple[int, ...]:
    """Public values of a proof of an encoded statement, as ``execution.statement`` has them."""
    value = keccak(statement)
    return tuple(int.from_bytes(value[at : at + 4], "big") for at in range(0, 32, 4))
