"""Events: everything that can happen to a validator, as its shell reports it."""

from dataclasses import dataclass

from consensus.messages import ConsensusMessage, Record
from ledger.types import Digest, ValidatorIndex, View


@dataclass(frozen=True, slots=True)
class Start:
    """The first event, once: all records of the journal, in the order they were written.

    Empty for a new validator.

    Attributes
    ----------
    challenge
        Fresh random bytes, where a journal without an own vote does not mean that there was
        none: the validator then asks before it votes (rule 17). None where it does.
    """

    records: tuple[Record, ...]
    challenge: bytes | None = None


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A decoded message from a peer that the transport has authenticated as ``peer``."""

    peer: ValidatorIndex
    message: ConsensusMessage


@dataclass(frozen=True, slots=True)
class ProposalBuilt:
    """Answer to :class:`~consensus.effects.RequestProposal`.

    The payload with this digest must be stored durably before this event, since a
    restarted leader sends the same proposal again. An answer for a view that has
    ended is ignored.
    """

    view: View
    payload: Digest


@dataclass(frozen=True, slots=True)
class PayloadChecked:
    """Answer to :class:`~consensus.effects.CheckPayload`, given once the payload is here.

    The answer must be the same on every honest node: it depends on the payload and
    its ancestors only. ``is_valid=True`` also says that the payload is stored durably.
    """

    view: View
    payload: Digest
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """The deadline of the last :class:`~consensus.effects.SetTimer` has come."""


@dataclass(frozen=True, slots=True)
class LeadersConvicted:
    """The validators that the final ledger convicts, all of them: see rule 10.

    Given after each start and whenever there are more. When a validator learns of one
    is of no matter to safety, nor is it if it never does.
    """

    validators: frozenset[ValidatorIndex]


Event = Start | MessageReceived | ProposalBuilt | PayloadChecked | Tick | LeadersConvicted
