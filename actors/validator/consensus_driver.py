"""Drives Simplex: collects events, steps the core, journals, then lets messages leave.

One turn handles all events that wait. Within a turn every record goes to the
journal, and the journal to the disk, before the first message of that turn is
handed to the transport: that is the whole safety argument of the shell.

A turn that fails half-way, as on a full disk, leaves votes in the state that are not
in the journal. So the driver is closed from then on and says nothing more; the node
has to start again from the journal.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Protocol

from actors.transport.interface import Channel, Transport
from actors.validator.patience import Patience
from actors.validator.vote_journal import VoteJournal
from consensus.config import ConsensusConfig
from consensus.effects import (
    Broadcast,
    CheckPayload,
    Effect,
    EnteredView,
    EvidenceFound,
    Finalized,
    Notarized,
    Nullified,
    PeerFault,
    Persist,
    PublishPayload,
    RequestProposal,
    Send,
    SetTimer,
)
from consensus.epochs import epoch_of
from consensus.events import Event, MessageReceived, Start, Tick
from consensus.messages import open_message
from consensus.state import ConsensusState, initial_state
from consensus.step import step
from ledger.codec import encode
from ledger.errors import CodecError
from ledger.types import Epoch, ValidatorIndex

IGNORED: Final = "message of a peer with too many faults, not looked at"

Clock = Callable[[], int]
"""Milliseconds of a monotonic clock."""


class ConsensusApplication(Protocol):
    """What consensus asks of the rest of the node; every method returns at once."""

    def publish_payload(self, effect: PublishPayload) -> None:
        """Send an own payload to all peers."""

    def request_proposal(self, effect: RequestProposal) -> None:
        """Begin to build a payload."""

    def check_payload(self, effect: CheckPayload) -> None:
        """Begin to check a payload."""

    def entered_view(self, effect: EnteredView) -> None:
        """Drop work for earlier views."""

    def notarized(self, effect: Notarized) -> None:
        """A payload is softly confirmed."""

    def nullified(self, effect: Nullified) -> None:
        """A view was given up."""

    def finalized(self, effect: Finalized) -> None:
        """Payloads are final."""

    def evidence_found(self, effect: EvidenceFound) -> None:
        """A validator is convicted."""

    def heard_of_epoch(self, peer: ValidatorIndex, epoch: Epoch) -> None:
        """A peer said something in another epoch: one of the two is behind."""


class ConsensusDriver:
    """Owns the consensus state of one validator."""

    def __init__(
        self,
        config: ConsensusConfig,
        journal: VoteJournal,
        transport: Transport,
        application: ConsensusApplication,
        clock_ms: Clock,
        challenge: bytes | None = None,
    ) -> None:
        self.state: ConsensusState = initial_state(config)
        self._epoch = config.validators.epoch
        self.peer_faults: Counter[str] = Counter()
        self._journal = journal
        self._transport = transport
        self._application = application
        self._clock_ms = clock_ms
        self._challenge = challenge
        self._patience = Patience()
        self._events: deque[Event] = deque()
        self._is_closed = False
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Replay the journal and enter the current view."""
        self.post(Start(self._journal.records_of(self._epoch), self._challenge))
        self.turn()

    async def run(self) -> None:
        """Take a turn whenever events wait, until cancelled."""
        while True:
            await self._wake.wait()
            self.turn()

    def close(self) -> None:
        """Stop the timer; later events, and those that wait, are ignored."""
        self._is_closed = True
        self._events.clear()
        if self._timer is not None:
            self._timer.cancel()

    def receive(self, peer: ValidatorIndex, payload: bytes) -> None:
        """Decode a peer's message and queue it; the caller ends its batch with :meth:`turn`."""
        if self._patience.is_exhausted(peer, self._clock_ms()):
            self.peer_faults[IGNORED] += 1
            return
        try:
            message = open_message(payload)
        except CodecError as error:
            self.peer_faults[f"malformed consensus message: {type(error).__name__}"] += 1
            self._patience.note_fault(peer, self._clock_ms())
            return
        epoch = epoch_of(message)
        if epoch is not None and epoch != self._epoch:
            self._application.heard_of_epoch(peer, epoch)
            return
        if not self._is_closed:
            self._events.append(MessageReceived(peer, message))

    def post(self, event: Event) -> None:
        """Queue an event and see to it that a turn follows soon."""
        if not self._is_closed:
            self._events.append(event)
            self._wake.set()

    def turn(self) -> None:
        """Step through all events that wait, persist, then send."""
        self._wake.clear()
        if self._is_closed:
            return
        is_complete = False
        try:
            while self._events:
                self._run_effects(self._step_all())
            is_complete = True
        finally:
            if not is_complete:
                self.close()

    def _step_all(self) -> list[Effect]:
        effects: list[Effect] = []
        while self._events:
            event = self._events.popleft()
            self.state, stepped = step(self.state, event, self._clock_ms())
            effects.extend(self._answer_at_once(stepped))
        return effects

    def _answer_at_once(self, effects: list[Effect]) -> list[Effect]:
        """Start payload checks now: their answers join this turn and share its one sync.

        Faults count at once, too, so that the rest of a flood is not looked at.
        """
        later: list[Effect] = []
        for effect in effects:
            if isinstance(effect, CheckPayload):
                self._application.check_payload(effect)
            elif isinstance(effect, PeerFault):
                self.peer_faults[effect.fault.value] += 1
                self._patience.note_fault(effect.peer, self._clock_ms())
            else:
                later.append(effect)
        return later

    def _run_effects(self, effects: list[Effect]) -> None:
        self._journal.persist([effect for effect in effects if isinstance(effect, Persist)])
        for effect in effects:
            self._run(effect)

    def _run(self, effect: Effect) -> None:
        match effect:
            case Broadcast(message):
                self._transport.broadcast(Channel.CONSENSUS, encode(message))
            case Send(peer, message):
                self._transport.send(peer, Channel.CONSENSUS, encode(message))
            case PublishPayload():
                self._application.publish_payload(effect)
            case RequestProposal():
                self._application.request_proposal(effect)
            case EnteredView():
                self._application.entered_view(effect)
            case Notarized():
                self._application.notarized(effect)
            case Nullified():
                self._application.nullified(effect)
            case Finalized():
                self._application.finalized(effect)
            case EvidenceFound():
                self._application.evidence_found(effect)
            case SetTimer(deadline_ms):
                self._arm(deadline_ms)
            case Persist() | CheckPayload() | PeerFault():
                pass  # Done before.

    def _arm(self, deadline_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_seconds = max(0, deadline_ms - self._clock_ms()) / 1000
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay_seconds, self.post, Tick())
