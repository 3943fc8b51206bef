"""The backfill channel: decodes what comes, and hands it to who asked or answers."""

from collections import Counter
from typing import Final

from actors.messages import (
    HistoryQuery,
    HistoryRequest,
    HistoryResponse,
    HistoryWindow,
    PayloadRequest,
)
from actors.snapshots.messages import (
    ChunkRequest,
    ManifestRequest,
    ProofRequest,
    SnapshotChunk,
    SnapshotOffers,
    SnapshotProof,
    SnapshotQuery,
)
from actors.snapshots.state_sync import StateSync
from actors.validator.errors import MalformedAnswer
from actors.validator.history import History
from actors.validator.history_server import HistoryServer
from actors.validator.peer_standing import PeerStandings
from ledger.codec import decode
from ledger.errors import CodecError
from ledger.snapshot import SnapshotManifest
from ledger.types import ValidatorIndex

MAX_UNASKED_BYTES: Final = 1024
"""A longer message is an answer: not looked at if the peer owes none."""

_MESSAGES: Final = (
    PayloadRequest,
    HistoryQuery,
    HistoryRequest,
    HistoryWindow,
    HistoryResponse,
    SnapshotQuery,
    SnapshotOffers,
    ManifestRequest,
    SnapshotManifest,
    ProofRequest,
    SnapshotProof,
    ChunkRequest,
    SnapshotChunk,
)


class Backfill:
    """Everything that a node says and hears on the backfill channel."""

    def __init__(
        self,
        standings: PeerStandings,
        history: History,
        sync: StateSync,
        server: HistoryServer,
    ) -> None:
        self._malformed: Counter[str] = Counter()
        self._standings = standings
        self._history = history
        self._sync = sync
        self._server = server

    @property
    def rejected(self) -> Counter[str]:
        """What was refused, by reason."""
        return (
            self._malformed + self._history.rejected + self._sync.rejected + self._server.rejected
        )

    def receive(self, peer: ValidatorIndex, payload: bytes) -> None:
        """Take a message of a peer."""
        is_owed = self._history.owes(peer) or self._sync.owes(peer)
        if len(payload) > MAX_UNASKED_BYTES and not is_owed:
            self._malformed["long answer that nobody asked for"] += 1
            self._standings.unasked(peer)
            return
        try:
            message: object = decode(payload, *_MESSAGES, limit_bytes=len(payload))
        except CodecError as error:
            self._malformed[f"malformed backfill message: {type(error).__name__}"] += 1
            self._standings.caught(peer, MalformedAnswer(str(error)))
            self._history.give_up_on(peer)
            self._sync.give_up_on(peer)
            return
        if isinstance(message, HistoryResponse):
            self._history.take(peer, message)
        elif isinstance(message, HistoryWindow):
            self._history.take_window(peer, message)
        elif isinstance(message, SnapshotOffers | SnapshotManifest | SnapshotProof | SnapshotChunk):
            self._sync.receive(peer, message)
        elif isinstance(
            message,
            PayloadRequest
            | HistoryRequest
            | HistoryQuery
            | SnapshotQuery
            | ManifestRequest
            | ProofRequest
            | ChunkRequest,
        ):
            self._server.add(peer, message)
