"""Effects: what the shell has to do, in the order given.

The shell writes all :class:`Persist` effects of a step to the journal, and syncs
it to disk if one of them says ``must_sync``, before it performs any
:class:`Broadcast`, :class:`Send` or :class:`PublishPayload` of that step. Nothing
else is required for safety. For liveness, all effects of a step are performed, in
order, before the next event is given: an answer that is ready at once still waits
its turn.
"""

from dataclasses import dataclass
from enum import Enum

from consensus.messages import ConsensusMessage, Record
from ledger.evidence import Evidence
from ledger.types import Digest, ValidatorIndex, View
from ledger.votes import Finalization, Notarization, Nullification, Proposal


class Fault(Enum):
    """Why a peer is not honest, where no signed evidence convicts it.

    The peer was authenticated by the transport, so an honest one is never named.
    """

    FOREIGN_VOTE = "sent a vote in another validator's name"
    BAD_SIGNATURE = "sent a vote with a wrong signature"
    BAD_CERTIFICATE = "sent a certificate that does not verify"
    BAD_PARENT = "proposed on a parent that can never be one"
    BAD_PAYLOAD = "proposed a payload that is not valid"


@dataclass(frozen=True, slots=True)
class Persist:
    """Append a record to the journal; own votes ``must_sync`` before they leave.

    Certificates need no sync of their own: they reach the disk with the next vote,
    and a lost one is fetched from peers again.
    """

    record: Record
    must_sync: bool


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send the message to every other validator. It may be lost."""

    message: ConsensusMessage


@dataclass(frozen=True, slots=True)
class Send:
    """Send the message to one validator. It may be lost."""

    peer: ValidatorIndex
    message: ConsensusMessage


@dataclass(frozen=True, slots=True)
class PublishPayload:
    """Send the own payload with this digest to every other validator, beside the proposal.

    The :class:`Broadcast` of the proposal follows. Every validator also answers
    requests for payloads by digest, from its store.
    """

    view: View
    payload: Digest


@dataclass(frozen=True, slots=True)
class RequestProposal:
    """Build a payload for ``view`` on top of ``parent_payload``, which was checked here.

    Answer with :class:`~consensus.events.ProposalBuilt`, within Δ or so; no answer
    means that the view times out. Drop the work when a later view is entered.
    ``parent_payload`` is the origin of the epoch if ``parent_view`` is that of the origin.
    If the parent is the last payload of its epoch, the answer is the parent itself (rule 16).
    """

    view: View
    parent_view: View
    parent_payload: Digest


@dataclass(frozen=True, slots=True)
class CheckPayload:
    """Get the payload of a proposal, fetching it from peers if need be, and check it.

    Answer with :class:`~consensus.events.PayloadChecked`, once, whenever the payload
    and its ancestors are here; a payload that is not here is pending, never invalid.
    Check also that it names ``parent_payload`` as its parent. On top of the last payload
    of the epoch only that payload itself is valid, and nowhere else is a payload its own
    parent (rule 16). Effects of this kind for
    views at or below a finalized one may be dropped.
    """

    proposal: Proposal
    parent_payload: Digest


@dataclass(frozen=True, slots=True)
class EnteredView:
    """For metrics, and to drop work for earlier views."""

    view: View
    leader: ValidatorIndex


@dataclass(frozen=True, slots=True)
class Notarized:
    """The payload is notarized: softly confirmed, and may still be dropped.

    Execute it speculatively once it is here. Emitted again after a restart.
    """

    certificate: Notarization


@dataclass(frozen=True, slots=True)
class Nullified:
    """The view was given up: a payload of it, even a notarized one, may be skipped.

    Only a later :class:`Finalized` decides. Emitted again after a restart.
    """

    certificate: Nullification


@dataclass(frozen=True, slots=True)
class Finalized:
    """The payload of ``certificate`` and all its ancestors are final.

    ``chain`` holds the proposals that became final, oldest first, the certificate's
    own last. If ``is_chain_complete`` is false, this validator was behind and older
    ones are missing before ``chain[0]``: follow the parents that the payloads name
    down to the last one finalized before. Emitted again after a restart, for the last
    finalization only, so finalizing has to be idempotent.
    """

    certificate: Finalization
    chain: tuple[Proposal, ...]
    is_chain_complete: bool


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """Two signed votes convict their signer: keep them and put them on the ledger.

    At most once per signer, view and kind while the process lives; the ledger drops
    what it holds already.
    """

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class PeerFault:
    """A peer broke the protocol without leaving evidence: count it, disconnect it."""

    peer: ValidatorIndex
    fault: Fault


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Arm the one timer, in place of the one before: a Tick is due at ``deadline_ms``.

    On the clock that gives ``now_ms`` to the steps. A Tick that comes late or too
    often does no harm.
    """

    deadline_ms: int


Effect = (
    Persist
    | Broadcast
    | Send
    | PublishPayload
    | RequestProposal
    | CheckPayload
    | EnteredView
    | Notarized
    | Nullified
    | Finalized
    | EvidenceFound
    | PeerFault
    | SetTimer
)
