"""Leads peers that are behind out of epochs that are over (rule 16 of consensus).

A peer that speaks in an epoch that has ended has missed the certificate that ended it. It
gets that certificate, checks it with the set that it knows, and fetches the blocks that
it lacks. Then it is one epoch further.
"""

from actors.transport.interface import Channel, Transport
from actors.validator.archive import Archive
from ledger.codec import encode
from ledger.types import Epoch, ValidatorIndex


class EpochGuide:
    """Answers what peers say in epochs that are over, each at most once per interval."""

    def __init__(self, archive: Archive, transport: Transport, interval_seconds: float) -> None:
        self.answered = 0
        self._archive = archive
        self._transport = transport
        self._interval_seconds = interval_seconds
        self._last_seconds: dict[ValidatorIndex, float] = {}

    def answer(self, peer: ValidatorIndex, epoch: Epoch, now_seconds: float) -> None:
        """Send a peer what ended an epoch."""
        last_seconds = self._last_seconds.get(peer)
        is_too_soon = (
            last_seconds is not None and now_seconds < last_seconds + self._interval_seconds
        )
        if is_too_soon:
            return
        self._last_seconds[peer] = now_seconds
        change = self._archive.epoch_change(epoch)
        if change is not None:
            self.answered += 1
            self._transport.send(peer, Channel.CONSENSUS, encode(change.certificate))
