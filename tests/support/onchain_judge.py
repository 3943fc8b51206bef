"""The same attacks against the contract: what Python rejects, the contract has to reject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.verifier.calls import Call, Session, Step, call_data, cut
from contracts.verifier.description import PUBLIC_WORDS
from contracts.verifier.encoding import read
from contracts.verifier.rehearsal import RehearsalChain, RehearsedVerifier, deploy
from ledger.hashing import keccak
from proving.errors import MalformedProof
from proving.stark.codec import MAGIC
from proving.stark.keys import VerifyingKey
from tests.support.proof_mutations import Claim, Mutation, is_rejected


class Verdict(StrEnum):
    """What came of a claim that was brought to the contract."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INEXPRESSIBLE = "inexpressible"
    """No calls say this: the proof has no shape that the key allows, the statement is no digest."""
    UNSEEN = "unseen"
    """The calls are those of the honest proof: they leave out what was changed, since the contract
    computes it or has it from another query."""


@dataclass(frozen=True, slots=True)
class OnchainTally:
    """Of one kind: mutations tried, rejected by Python, and the contract's verdicts."""

    kind: str
    tried: int
    rejected_by_python: int
    verdicts: Counter[Verdict]


@dataclass
class Judge:
    """Brings claims to verifiers on one chain.

    Attributes
    ----------
    honest
        An honest claim, verified once; attacks that only change queries start in the middle of it.
    """

    chain: RehearsalChain
    honest: Claim
    most_bytes: int
    _deployed: dict[bytes, RehearsedVerifier] = field(default_factory=dict)
    _heads: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Verify the honest claim, and remember where each step began."""
        self.session = self.cut(self.honest)
        self.raw = read(self.honest.key, self.honest.encoded)
        verifier = self.verifier(self.honest.key)
        for call in self.session.calls:
            self._heads.append(self.chain.engine.head_number)
            sent = verifier.send(call.data)
            assert sent.receipt.is_success, (call.step, verifier.reason(call.data))
        assert verifier.is_verified(self.session.statement_digest)
        self._pristine = deploy(self.chain, self.honest.key)

    def cut(self, claim: Claim) -> Session:
        """Cut a claim into calls."""
        return cut(claim.key, claim.encoded, claim.public_values, self.most_bytes)

    def verifier(self, key: VerifyingKey) -> RehearsedVerifier:
        """Return the verifier for a key, deployed when it is first asked for."""
        if key.digest not in self._deployed:
            self._deployed[key.digest] = deploy(self.chain, key)
        return self._deployed[key.digest]

    def judge(self, claim: Claim) -> Verdict:
        """Bring a claim to the contract for its key."""
        words = claim.public_values
        is_digest = len(words) == PUBLIC_WORDS and all(0 <= word < 1 << 32 for word in words)
        if not is_digest:
            return Verdict.INEXPRESSIBLE
        is_same_key = claim.key.digest == self.honest.key.digest
        try:
            session = self.cut(claim)
        except MalformedProof:
            is_of_heights = is_same_key and len(claim.encoded) == len(self.honest.encoded)
            return self._judge_heights(claim) if is_of_heights else Verdict.INEXPRESSIBLE
        if is_same_key:
            if session.calls == self.session.calls:
                return Verdict.UNSEEN
            if self._is_stopped_on_the_way(session):
                return Verdict.REJECTED
        with self.chain.forgotten():
            verifier = self._pristine if is_same_key else deploy(self.chain, claim.key)
            verifier.send_all(session.calls)
            is_verified = verifier.is_verified(session.statement_digest)
        return Verdict.ACCEPTED if is_verified else Verdict.REJECTED

    def _judge_heights(self, claim: Claim) -> Verdict:
        """Begin with the claim's heights before the rest of the honest header."""
        chips = len(self.honest.key.machine.chips)
        heights = claim.encoded[len(MAGIC) : len(MAGIC) + chips]
        begin = self.first(Step.BEGIN)
        data = call_data(
            "begin",
            self.session.statement_digest,
            heights + self.raw.header[chips:],
            keccak(self.raw.opened),
        )
        return Verdict.REJECTED if self.refuses(begin, data) else Verdict.ACCEPTED

    def _is_stopped_on_the_way(self, session: Session) -> bool:
        """Whether the first call that differs reverts where the honest session was."""
        for head, honest, call in zip(self._heads, self.session.calls, session.calls, strict=False):
            if call != honest:
                return bool(self.reason(call.data, head))
        return False

    def reason(self, data: bytes, head: int) -> str:
        """Why the honest key's verifier refuses call data in the state after a block."""
        return self.verifier(self.honest.key).reason(data, head)

    def refuses(self, call: Call, data: bytes) -> bool:
        """Whether other call data is refused in the place of an honest call."""
        return bool(self.reason(data, self.head_before(call)))

    def head_before(self, call: Call) -> int:
        """The block after which an honest call was sent."""
        return self._heads[self.session.calls.index(call)]

    def first(self, step: Step) -> Call:
        """The first honest call of a step."""
        return next(call for call in self.session.calls if call.step is step)

    def tallies(self, mutations: Iterable[Mutation]) -> list[OnchainTally]:
        """Try all; by kind."""
        tried: Counter[str] = Counter()
        rejected: Counter[str] = Counter()
        verdicts: dict[str, Counter[Verdict]] = {}
        for mutation in mutations:
            tried[mutation.kind] += 1
            rejected[mutation.kind] += is_rejected(mutation.claim)
            verdicts.setdefault(mutation.kind, Counter())[self.judge(mutation.claim)] += 1
        return [
            OnchainTally(kind, count, rejected[kind], verdicts[kind])
            for kind, count in tried.items()
        ]


def table(rows: list[OnchainTally]) -> str:
    """Return the table that people read."""
    columns = (Verdict.REJECTED, Verdict.INEXPRESSIBLE, Verdict.UNSEEN, Verdict.ACCEPTED)
    head = "".join(f" {column:>13}" for column in columns)
    lines = [f"{'kind':<44} {'tried':>6} {'Python':>7}{head}"]
    for row in rows:
        counts = "".join(f" {row.verdicts[column]:>13}" for column in columns)
        lines.append(f"{row.kind:<44} {row.tried:>6} {row.rejected_by_python:>7}{counts}")
    return "\n".join(lines)
