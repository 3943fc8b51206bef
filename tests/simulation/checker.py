"""Invariants, checked from what honest validators said and finalized, and from nothing else.

The checker shares no code with the protocol beyond the wire types: it counts
quorums, links parents and compares votes by itself.
"""

from collections import defaultdict

from consensus import EvidenceFound, Finalized, PeerFault
from ledger.errors import EvidenceError, SignatureError
from ledger.evidence import culprit_of, votes_of
from ledger.types import Digest, ValidatorIndex, View
from ledger.votes import Finalization, Finalize, Notarization, Notarize, Nullify, Vote
from tests.simulation.keys import KeyedHashValidators
from tests.simulation.payload import Payload


class InvariantBroken(AssertionError):
    """The protocol did what it promises never to do."""


class Checker:
    """Listens to the honest validators of one run."""

    def __init__(
        self,
        validators: KeyedHashValidators,
        byzantine: frozenset[int],
        origin: Digest | None = None,
    ) -> None:
        self._validators = validators
        self._origin = validators.digest if origin is None else origin
        self._byzantine = byzantine
        # 2f+1 of 3f+1, counted here rather than asked for.
        self._quorum = validators.count - (validators.count - 1) // 3
        self._votes: dict[tuple[int, View, type[Vote]], Vote] = {}
        self._final_at_view: dict[View, Digest] = {}
        self._final_at_height: list[tuple[View, Digest]] = []
        self.heights: dict[int, int] = defaultdict(int)
        self.latest: dict[int, View] = defaultdict(lambda: View(0))
        self.evidence = 0

    def sent(self, sender: int, message: object) -> None:
        """An honest validator put a message on the wire."""
        if isinstance(message, (Notarize, Nullify, Finalize)):
            self._check_vote(sender, message)
        elif isinstance(message, (Notarization, Finalization)):
            self._check_signers(sender, message)

    def _check_vote(self, sender: int, vote: Vote) -> None:
        if vote.signer != sender:
            raise InvariantBroken(f"validator {sender} relayed a vote of {vote.signer}")
        view = _view_of(vote)
        earlier = self._votes.setdefault((sender, view, type(vote)), vote)
        if earlier != vote:
            raise InvariantBroken(f"validator {sender} cast two votes: {earlier} and {vote}")
        other: type[Vote] | None = None
        if isinstance(vote, Nullify):
            other = Finalize
        if isinstance(vote, Finalize):
            other = Nullify
        if other is not None and (sender, view, other) in self._votes:
            raise InvariantBroken(f"validator {sender} nullified and finalized view {view}")

    def _check_signers(self, holder: int, certificate: Notarization | Finalization) -> None:
        bits = int.from_bytes(certificate.signers, "little")
        if bits.bit_count() < self._quorum:
            raise InvariantBroken(f"certificate of {bits.bit_count()} votes: {certificate}")
        kind: type[Vote] = Notarize if isinstance(certificate, Notarization) else Finalize
        proposal = certificate.proposal
        for signer in range(self._validators.count):
            is_honest_signer = bool(bits >> signer & 1) and signer not in self._byzantine
            if not is_honest_signer:
                continue
            if signer == holder:
                self._check_own_signature(signer, certificate)
            vote = self._votes.get((signer, proposal.view, kind))
            has_said_so = isinstance(vote, (Notarize, Finalize)) and vote.proposal == proposal
            if not has_said_so:
                raise InvariantBroken(f"validator {signer} never voted for {proposal}")

    def _check_own_signature(self, signer: int, certificate: Notarization | Finalization) -> None:
        """A vote may leave inside a certificate first, if a crash kept it from being sent."""
        position = (int.from_bytes(certificate.signers, "little") & ((1 << signer) - 1)).bit_count()
        kind = Notarize if isinstance(certificate, Notarization) else Finalize
        signature = certificate.signatures[position]
        self._check_vote(signer, kind(certificate.proposal, ValidatorIndex(signer), signature))

    def found(self, node: int, effect: EvidenceFound | PeerFault) -> None:
        """An honest validator accuses somebody."""
        if isinstance(effect, PeerFault):
            if effect.peer not in self._byzantine:
                raise InvariantBroken(f"{node} blames honest {effect.peer}: {effect.fault.value}")
            return
        try:
            culprit = culprit_of(effect.evidence)
            for vote in votes_of(effect.evidence):
                self._validators.verify_vote(vote)
        except (EvidenceError, SignatureError) as error:
            raise InvariantBroken(f"{node} holds evidence that does not hold: {error}") from error
        if culprit not in self._byzantine:
            raise InvariantBroken(f"{node} convicts honest {culprit}: {effect.evidence}")
        self.evidence += 1

    def certified_final(self, node: int, effect: Finalized) -> None:
        """An honest validator holds a finalization."""
        self._check_signers(node, effect.certificate)
        for proposal in effect.chain:
            self._check_agreement(node, proposal.view, proposal.payload)
        for older, newer in zip(effect.chain, effect.chain[1:], strict=False):
            if newer.parent_view != older.view:
                raise InvariantBroken(f"{node}: chain with a hole: {effect.chain}")
        view = effect.certificate.proposal.view
        if view < self.latest[node]:
            raise InvariantBroken(f"{node}: finalized {view} after {self.latest[node]}")
        self.latest[node] = view

    def restarted(self, node: int) -> None:
        """After a power failure the last finalization may have to be learnt again."""
        self.latest[node] = View(0)

    def appended(self, node: int, payload: Payload) -> None:
        """An honest validator appended a payload to its final chain."""
        height = self.heights[node]
        parent = self._final_at_height[height - 1][1] if height else self._origin
        if payload.parent != parent:
            raise InvariantBroken(f"{node}: payload of view {payload.view} has another parent")
        if not payload.is_sound:
            raise InvariantBroken(f"{node}: finalized an unsound payload in view {payload.view}")
        if (self._validators.epoch + payload.view) % self._validators.count != payload.proposer:
            raise InvariantBroken(f"{node}: {payload.proposer} does not lead {payload.view}")
        if height < len(self._final_at_height):
            if self._final_at_height[height] != (payload.view, payload.digest):
                raise InvariantBroken(f"{node}: another payload at height {height + 1}")
        else:
            self._final_at_height.append((payload.view, payload.digest))
        self._check_agreement(node, payload.view, payload.digest)
        self.heights[node] = height + 1

    def forked(self, node: int, payload: Payload) -> None:
        """A payload is said to be final whose parent has another final child."""
        raise InvariantBroken(f"{node}: view {payload.view} forks off the final chain")

    def _check_agreement(self, node: int, view: View, payload: Digest) -> None:
        earlier = self._final_at_view.setdefault(view, payload)
        if earlier != payload:
            raise InvariantBroken(f"{node}: two final payloads in view {view}")

    @property
    def height(self) -> int:
        """Length of the longest final chain."""
        return len(self._final_at_height)


def _view_of(vote: Vote) -> View:
    return vote.round.view if isinstance(vote, Nullify) else vote.proposal.view
