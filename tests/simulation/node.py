"""An honest validator: the shell around ``step``, with a journal and a payload store."""

from consensus import (
    Broadcast,
    CheckPayload,
    ConsensusConfig,
    ConsensusState,
    Effect,
    EnteredView,
    Event,
    EvidenceFound,
    Finalized,
    LeadersConvicted,
    MessageReceived,
    Notarized,
    PayloadChecked,
    PeerFault,
    Persist,
    ProposalBuilt,
    PublishPayload,
    Record,
    RequestProposal,
    Send,
    SetTimer,
    Start,
    Tick,
    initial_state,
    open_message,
)
from consensus.messages import ConsensusMessage
from ledger.codec import encode
from ledger.evidence import culprit_of
from ledger.types import Digest, ValidatorIndex, View
from tests.simulation.payload import Payload, PayloadPacket, PayloadWanted, make_payload
from tests.simulation.world import World


class Journal:
    """Records on a disk that loses what was not synced when the power fails."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.synced = 0

    def write(self, effects: list[Effect]) -> bool:
        """Append the records of a step; gives whether they had to be synced."""
        must_sync = False
        for effect in effects:
            if isinstance(effect, Persist):
                self.records.append(effect.record)
                must_sync |= effect.must_sync
        if must_sync:
            self.synced = len(self.records)
        return must_sync

    def lose_power(self, survivors: int) -> None:
        """Keep what was synced, and at most that many records of the rest."""
        del self.records[self.synced + survivors :]
        self.synced = len(self.records)


class Node:
    """One validator that follows the protocol, and may crash."""

    def __init__(self, world: World, index: int) -> None:
        self.world = world
        self.index = ValidatorIndex(index)
        self.config = ConsensusConfig(
            index=self.index,
            validators=world.validators,
            sign=world.validators.signer(self.index),
            delta_ms=world.delta_ms,
            origin_view=world.origin_view,
            origin_payload=world.origin_payload,
        )
        self.journal = Journal()
        self.store: dict[Digest, Payload] = {}
        self.state: ConsensusState | None = None
        self.will_crash_before_send = False
        self._incarnation = 0
        self._timer_ms = -1
        self._waiting: dict[Digest, list[CheckPayload]] = {}
        self._final: list[Digest] = [world.origin_payload]
        self.final_view = world.origin_view
        self._final_target: Digest | None = None
        self._convicted: frozenset[ValidatorIndex] = frozenset()
        world.network.attach(index, self.receive)

    # LIFE AND DEATH

    @property
    def is_up(self) -> bool:
        """Whether the process runs."""
        return self.state is not None

    def boot(self) -> None:
        """Start from what is on the disk."""
        if self.is_up:
            return
        self._incarnation += 1
        self._timer_ms = -1
        self.on_boot()
        self._waiting = {}
        self.state = initial_state(self.config)
        records = tuple(self.journal.records) if self.world.is_durable else ()
        self.run(Start(records))
        if self._convicted:
            self.run(LeadersConvicted(self._convicted))

    def on_boot(self) -> None:
        """Tell the checker that this process is a new one."""
        self.world.checker.restarted(self.index)

    def crash(self) -> None:
        """Lose everything but the disk."""
        if not self.is_up:
            return
        unsynced = len(self.journal.records) - self.journal.synced
        self.journal.lose_power(self.world.rng.randint(0, unsynced))
        self.state = None
        self.will_crash_before_send = False
        self.world.faults["crash"] += 1

    # EVENTS

    def receive(self, sender: int, packet: object) -> None:
        """A packet arrives."""
        if not self.is_up:
            return
        if isinstance(packet, PayloadPacket):
            self._keep(packet.payload)
        elif isinstance(packet, PayloadWanted):
            payload = self.store.get(packet.digest)
            if payload is not None:
                self.world.network.send(self.index, sender, PayloadPacket(payload))
        else:
            self.run(MessageReceived(ValidatorIndex(sender), _as_message(packet)))

    def run(self, event: Event) -> None:
        """Decode, persist, step, run effects."""
        if self.state is None:
            return
        world = self.world
        world.events += 1
        self.state, effects = world.step_function(self.state, event, world.scheduler.now_ms)
        world.record(self.index, type(event).__name__, (self.state.view, self.state.finalized))
        was_synced = self.journal.write(effects)
        if was_synced and self.will_crash_before_send:
            world.faults["crash between persist and send"] += 1
            self.crash()
            return
        for effect in effects:
            self.perform(effect)

    # EFFECTS

    def perform(self, effect: Effect) -> None:
        """Do what one effect says."""
        if isinstance(effect, Broadcast):
            self.broadcast(effect.message)
        elif isinstance(effect, Send):
            self.send(effect.peer, effect.message)
        elif isinstance(effect, SetTimer):
            self._set_timer(effect.deadline_ms)
        elif isinstance(effect, RequestProposal):
            low_ms, high_ms = self.world.build_ms
            delay_us = round(self.world.rng.uniform(low_ms, high_ms) * 1000)
            self.world.scheduler.after(delay_us, self._build, self._incarnation, effect)
        elif isinstance(effect, PublishPayload):
            self.publish(self.store[effect.payload])
        elif isinstance(effect, CheckPayload):
            self._check(effect)
        elif isinstance(effect, Finalized):
            self.finalized(effect)
        elif isinstance(effect, (EvidenceFound, PeerFault)):
            self.world.checker.found(self.index, effect)
            if isinstance(effect, EvidenceFound):
                self._convict(culprit_of(effect.evidence))
        elif isinstance(effect, Notarized):
            self.notarized(effect)
        elif isinstance(effect, EnteredView):
            self.entered(effect.view)

    def broadcast(self, message: ConsensusMessage) -> None:
        """Send to all others."""
        self.world.checker.sent(self.index, message)
        for peer in self.world.others(self.index):
            self.transmit(peer, message)

    def send(self, peer: int, message: ConsensusMessage) -> None:
        """Send to one."""
        self.world.checker.sent(self.index, message)
        self.transmit(peer, message)

    def transmit(self, peer: int, message: ConsensusMessage) -> None:
        """Put a message on the wire, encoded where the run is about that."""
        packet = encode(message) if self.world.is_encoded else message
        self.world.network.send(self.index, peer, packet)

    def publish(self, payload: Payload) -> None:
        """Send the payload beside the proposal."""
        for peer in self.world.others(self.index):
            self.world.network.send(self.index, peer, PayloadPacket(payload))

    def notarized(self, effect: Notarized) -> None:
        """For those who measure."""

    def entered(self, view: View) -> None:
        """For those who act on views."""

    def finalized(self, effect: Finalized) -> None:
        """Append the payload and its ancestors to the final chain."""
        self.world.checker.certified_final(self.index, effect)
        self._final_target = effect.certificate.proposal.payload
        self._extend_final_chain()

    def _convict(self, culprit: ValidatorIndex) -> None:
        """The evidence gets onto the ledger, and each node reads it there in its own time."""
        delay_us = self.world.delta_ms * 1000 * (1 + self.index)
        self.world.scheduler.after(delay_us, self._read_conviction, culprit)

    def _read_conviction(self, culprit: ValidatorIndex) -> None:
        self._convicted |= {culprit}
        self.run(LeadersConvicted(self._convicted))

    def _set_timer(self, deadline_ms: int) -> None:
        self._timer_ms = deadline_ms
        delay_us = deadline_ms * 1000 - self.world.scheduler.now_us
        self.world.scheduler.after(delay_us, self._fire, self._incarnation, deadline_ms)

    def _fire(self, incarnation: int, deadline_ms: int) -> None:
        if incarnation == self._incarnation and deadline_ms == self._timer_ms:
            self.run(Tick())

    # PAYLOADS

    def _build(self, incarnation: int, request: RequestProposal) -> None:
        if incarnation != self._incarnation or not self.is_up:
            return
        if not self._knows(request.parent_payload):
            # Final by its certificate, and perhaps the last of the epoch: wait for it.
            self.world.scheduler.after(self.world.delta_ms * 250, self._build, incarnation, request)
            return
        if self.repeats(request.parent_payload):
            self.run(ProposalBuilt(request.view, request.parent_payload))
            return
        last_from = self.world.last_from_view
        payload = make_payload(
            request.view,
            request.parent_payload,
            self.index,
            self.world.rng.getrandbits(32),
            is_last=last_from is not None and request.view >= last_from,
        )
        self.store[payload.digest] = payload
        self.run(ProposalBuilt(request.view, payload.digest))

    def repeats(self, parent: Digest) -> bool:
        """Whether a leader proposes the parent itself again: it is the last of its epoch."""
        return self._ends_epoch(parent)

    def _ends_epoch(self, digest: Digest) -> bool:
        payload = self.store.get(digest)
        return payload is not None and payload.is_last and digest != self.world.origin_payload

    def _missing_for(self, effect: CheckPayload) -> Digest | None:
        """What has to be here before a payload can be judged: itself, and where epochs end its
        parent."""
        if effect.proposal.payload not in self.store:
            return effect.proposal.payload
        return None if self._knows(effect.parent_payload) else effect.parent_payload

    def _knows(self, parent: Digest) -> bool:
        """Whether it is known if a payload ends the epoch; without epochs nobody asks."""
        has_epochs = self.world.last_from_view is not None
        return not has_epochs or parent == self.world.origin_payload or parent in self.store

    def _check(self, effect: CheckPayload) -> None:
        digest = self._missing_for(effect)
        if digest is None:
            self.world.scheduler.after(0, self._give_verdict, self._incarnation, effect)
            return
        is_new = digest not in self._waiting
        self._waiting.setdefault(digest, []).append(effect)
        if is_new:
            self._ask_later(digest, 0)

    def _give_verdict(self, incarnation: int, effect: CheckPayload) -> None:
        if incarnation != self._incarnation or not self.is_up:
            return
        payload = self.store[effect.proposal.payload]
        if self._ends_epoch(effect.parent_payload):
            is_valid = payload.digest == effect.parent_payload
        else:
            is_valid = (
                payload.is_sound
                and payload.view == effect.proposal.view
                and payload.parent == effect.parent_payload
            )
        self.run(PayloadChecked(effect.proposal.view, payload.digest, is_valid))

    def _keep(self, payload: Payload) -> None:
        if payload.digest in self.store:
            return
        self.store[payload.digest] = payload
        for effect in self._waiting.pop(payload.digest, []):
            if self._missing_for(effect) is None:
                self._give_verdict(self._incarnation, effect)
            else:
                self._check(effect)
        self._extend_final_chain()

    def _ask_later(self, digest: Digest, attempt: int) -> None:
        delay_us = self.world.delta_ms * 500
        self.world.scheduler.after(delay_us, self._ask, self._incarnation, digest, attempt)

    def _ask(self, incarnation: int, digest: Digest, attempt: int) -> None:
        if incarnation != self._incarnation or digest not in self._waiting:
            return
        others = self.world.others(self.index)
        for offset in range(2):
            peer = others[(2 * attempt + offset) % len(others)]
            self.world.network.send(self.index, peer, PayloadWanted(digest))
        self._ask_later(digest, attempt + 1)

    def _extend_final_chain(self) -> None:
        """Walk from the last final payload back to the chain; fetch what is missing."""
        if self._final_target is None:
            return
        branch: list[Payload] = []
        digest = self._final_target
        known = self._final[-1]
        while digest != known:
            payload = self.store.get(digest)
            if payload is None:
                if digest not in self._waiting:
                    self._waiting[digest] = []
                    self._ask(self._incarnation, digest, 0)
                return
            if digest in self._final:
                if branch:
                    self.world.checker.forked(self.index, branch[-1])
                return
            branch.append(payload)
            digest = payload.parent
        for payload in reversed(branch):
            if self._ends_epoch(payload.digest) and not self.may_end_epoch():
                return
            self.world.checker.appended(self.index, payload)
            self._final.append(payload.digest)
            self.final_view = payload.view
            if self._ends_epoch(payload.digest):
                self.epoch_ended(payload)
                return

    def may_end_epoch(self) -> bool:
        """Asked before the last payload of the epoch is appended; a crash says no."""
        return True

    def epoch_ended(self, payload: Payload) -> None:
        """The last payload of the epoch is final here: for those who go on in the next."""

    def stop(self) -> None:
        """Say nothing any more: the epoch is over."""
        self.state = None


def _as_message(packet: object) -> ConsensusMessage:
    if isinstance(packet, bytes):
        return open_message(packet)
    return packet  # type: ignore[return-value]  # the network carries whatever nodes send
