"""Fetching a snapshot from peers: agreed on by f+1 of them, each chunk judged when it comes.

What came is on disk, so a killed node goes on where it was. Nothing of the node is touched
before the whole snapshot is verified (:mod:`actors.snapshots.verification`).
"""

import asyncio
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from actors.snapshots.errors import SnapshotDamaged, SnapshotError, SnapshotRefused
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.messages import (
    MAX_QUERIED,
    ChunkRequest,
    ManifestRequest,
    ProofRequest,
    SnapshotChunk,
    SnapshotOffers,
    SnapshotProof,
    SnapshotQuery,
)
from actors.snapshots.verification import check_proof, check_snapshot
from actors.transport.interface import Channel, Transport
from actors.validator.errors import (
    PeerMisbehaved,
    PeerSilent,
    WrongChunk,
    WrongManifest,
    WrongStatement,
)
from actors.validator.peer_standing import PeerStandings
from actors.waiting import wait_at_most
from ledger.codec import encode
from ledger.errors import SignatureError
from ledger.genesis import Genesis
from ledger.snapshot import SnapshotManifest, SnapshotStatement, chunk_digest, manifest_digest
from ledger.types import Digest, Height, ValidatorIndex
from ledger.validators import ValidatorSet

QUERY_SECONDS: Final = 0.5
OFFER_SECONDS: Final = 20.0
"""So long f+1 peers have time to make a snapshot; then blocks are fetched one by one."""

ANSWER_SECONDS: Final = 4.0
MAX_ASKED_PER_PEER: Final = 4
GIVE_UP_SECONDS: Final = 60.0
"""Without a single good answer for so long, the snapshot is gone from all peers."""

log = structlog.get_logger(__name__)

SnapshotAnswer = SnapshotOffers | SnapshotManifest | SnapshotProof | SnapshotChunk
_MANIFEST: Final = -1
_PROOF: Final = -2


@dataclass(slots=True)
class _Fetch:
    """One snapshot on its way here. Pieces are chunks by index, the manifest and the proof."""

    digest: Digest
    height: Height
    supporters: list[ValidatorIndex]
    files: SnapshotFiles
    manifest: SnapshotManifest | None = None
    has_proof: bool = False
    missing: dict[int, None] = field(default_factory=dict)
    asked: dict[int, tuple[ValidatorIndex, float]] = field(default_factory=dict)
    late: set[tuple[ValidatorIndex, int]] = field(default_factory=set)
    heard_at: float = 0.0


class StateSync:
    """Gets a snapshot into ``<root>/incoming``.

    Parameters
    ----------
    root
        The node's folder of snapshots.
    """

    def __init__(
        self,
        root: Path,
        genesis: Genesis,
        validators: ValidatorSet,
        transport: Transport,
        standings: PeerStandings,
        peers: list[ValidatorIndex],
        clock: Callable[[], float],
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self._incoming = root / "incoming"
        self._genesis = genesis
        self._validators = validators
        self._transport = transport
        self._standings = standings
        self._peers = peers
        self._clock = clock
        self._offers: dict[ValidatorIndex, tuple[SnapshotStatement, ...]] = {}
        self._fetch: _Fetch | None = None
        self._is_active = False
        self._news = asyncio.Event()

    def status(self) -> dict[str, Any]:
        """How far it is, ready for JSON."""
        fetch = self._fetch
        total = 0 if fetch is None or fetch.manifest is None else len(fetch.manifest.chunks)
        return {
            "is_active": self._is_active,
            "height": None if fetch is None else fetch.height,
            "chunks": total,
            "chunks_missing": 0 if fetch is None else len(fetch.missing),
        }

    async def run(self, above: Height) -> SnapshotFiles | None:
        """Fetch and verify the newest snapshot above a height; None if there is none to be had.

        Raises
        ------
        SnapshotRefused
            If f+1 validators vouch for one that the certificates contradict.
        """
        self._is_active = True
        try:
            found = await self._agree(above)
            if found is None:
                return None
            self._fetch = found
            if not await self._fetch_all(found):
                return None
            await self._verify(found)
            return found.files
        finally:
            self._is_active = False
            self._fetch = None

    def receive(self, peer: ValidatorIndex, answer: SnapshotAnswer) -> None:
        """Take a peer's answer."""
        try:
            self._take(peer, answer)
        except PeerMisbehaved as error:
            self.rejected[f"bad snapshot: {type(error).__name__}"] += 1
            self._standings.caught(peer, error)
            self.give_up_on(peer)
        self._news.set()

    # AGREEING ON ONE

    async def _agree(self, above: Height) -> _Fetch | None:
        """Ask all peers until f+1 of them vouch for one snapshot."""
        deadline = self._clock() + OFFER_SECONDS
        self._offers.clear()
        while self._clock() < deadline:
            query = encode(SnapshotQuery(self._offered_heights(above)))
            for peer in self._peers:
                self._transport.send(peer, Channel.BACKFILL, query)
            await self._wait(QUERY_SECONDS)
            found = self._agreed(above)
            if found is not None:
                return found
        return None

    def _offered_heights(self, above: Height) -> tuple[Height, ...]:
        """Heights that a peer has a snapshot of: the others are asked to make the same."""
        offered = {
            statement.height
            for statements in self._offers.values()
            for statement in statements
            if statement.height > above
        }
        return tuple(sorted(offered))[-MAX_QUERIED:]

    def _agreed(self, above: Height) -> _Fetch | None:
        supporters: defaultdict[tuple[Height, Digest], list[ValidatorIndex]] = defaultdict(list)
        for peer, statements in self._offers.items():
            for statement in statements:
                if statement.height > above:
                    supporters[statement.height, statement.manifest].append(peer)
        tolerated = self._validators.count - self._validators.quorum
        enough = [known for known, peers in supporters.items() if len(peers) > tolerated]
        if not enough:
            return None
        height, digest = max(enough)
        self._name_dissenters(supporters, height, digest)
        files = SnapshotFiles(self._incoming / digest.hex())
        return _Fetch(digest, height, supporters[height, digest], files)

    def _name_dissenters(
        self,
        supporters: dict[tuple[Height, Digest], list[ValidatorIndex]],
        height: Height,
        digest: Digest,
    ) -> None:
        """One honest validator is among f+1: who says something else of this height lies."""
        for (other_height, other), peers in supporters.items():
            if other_height == height and other != digest:
                for peer in peers:
                    reason = f"height {height}: {other.hex()[:16]}, expected {digest.hex()[:16]}"
                    self._standings.caught(peer, WrongStatement(reason))

    # FETCHING

    async def _fetch_all(self, fetch: _Fetch) -> bool:
        self._forget_others(fetch)
        fetch.manifest = fetch.files.manifest()
        if fetch.manifest is not None:
            missing = await asyncio.to_thread(fetch.files.missing, fetch.manifest)
            fetch.missing = dict.fromkeys(missing)
        fetch.has_proof = fetch.files.proof() is not None
        fetch.heard_at = self._clock()
        while next(self._wanted(fetch), None) is not None:
            self._expire(fetch)
            self._ask(fetch)
            await self._wait(QUERY_SECONDS)
            if self._clock() > fetch.heard_at + GIVE_UP_SECONDS:
                log.warning("no peer serves the snapshot any more", height=fetch.height)
                return False
        return True

    def _forget_others(self, fetch: _Fetch) -> None:
        if self._incoming.exists():
            for path in self._incoming.iterdir():
                if path != fetch.files.directory:
                    shutil.rmtree(path, ignore_errors=True)

    def _is_wanted(self, fetch: _Fetch, piece: int) -> bool:
        if piece == _MANIFEST:
            return fetch.manifest is None
        return not fetch.has_proof if piece == _PROOF else piece in fetch.missing

    def _wanted(self, fetch: _Fetch) -> Iterator[int]:
        """Pieces that are not here.

        Chunks are judged by the manifest, and the proof by the heads of the chains in the chunks.
        """
        if fetch.manifest is None:
            yield _MANIFEST
        elif fetch.missing:
            yield from fetch.missing
        elif not fetch.has_proof:
            yield _PROOF

    def _ask(self, fetch: _Fetch) -> None:
        statuses = self._transport.status().peers
        connected = [peer for peer in fetch.supporters if statuses[peer].is_connected]
        able = self._standings.best_of(connected)
        counts = Counter(peer for peer, _ in fetch.asked.values())
        deadline = self._clock() + ANSWER_SECONDS
        for piece in self._wanted(fetch):
            if piece in fetch.asked:
                continue
            free = [peer for peer in able if counts[peer] < MAX_ASKED_PER_PEER]
            if not free:
                return
            peer = min(free, key=lambda peer: counts[peer])
            counts[peer] += 1
            fetch.asked[piece] = (peer, deadline)
            self._transport.send(peer, Channel.BACKFILL, encode(_request(fetch.digest, piece)))

    def _expire(self, fetch: _Fetch) -> None:
        now = self._clock()
        for piece, (peer, deadline) in list(fetch.asked.items()):
            if deadline <= now:
                del fetch.asked[piece]
                fetch.late.add((peer, piece))
                if self._transport.status().peers[peer].is_connected:
                    self._standings.caught(peer, PeerSilent(f"piece {piece} did not come"))

    def give_up_on(self, peer: ValidatorIndex) -> None:
        """Ask others for what a peer owes."""
        if self._fetch is not None:
            asked = self._fetch.asked
            for piece in [piece for piece, (owner, _) in asked.items() if owner == peer]:
                del asked[piece]
                self._fetch.late.add((peer, piece))

    async def _wait(self, seconds: float) -> None:
        self._news.clear()
        await wait_at_most(self._news, seconds)

    # WHAT COMES

    def owes(self, peer: ValidatorIndex) -> bool:
        """Whether a long answer of the peer may come."""
        return self._fetch is not None and peer in self._fetch.supporters

    def _take(self, peer: ValidatorIndex, answer: SnapshotAnswer) -> None:
        if isinstance(answer, SnapshotOffers):
            if self._is_active:
                self._take_offers(peer, self._checked(peer, answer))
            return
        fetch = self._fetch
        is_of_it = fetch is not None and (
            isinstance(answer, SnapshotManifest) or answer.manifest == fetch.digest
        )
        if fetch is None or not is_of_it or not _is_owed(fetch, peer, _piece(answer)):
            self.rejected["piece of a snapshot that nobody asked for"] += 1
            self._standings.unasked(peer)
            return
        if not self._is_wanted(fetch, _piece(answer)):
            return  # Late, and another peer was asked meanwhile.
        if isinstance(answer, SnapshotManifest):
            self._take_manifest(fetch, answer)
        elif isinstance(answer, SnapshotProof):
            self._take_proof(fetch, answer)
        else:
            _take_chunk(fetch, answer)
        fetch.heard_at = self._clock()
        self._standings.answered_well(peer)

    def _take_offers(self, peer: ValidatorIndex, statements: tuple[SnapshotStatement, ...]) -> None:
        self._offers[peer] = statements
        fetch = self._fetch
        if fetch is not None and peer not in fetch.supporters:
            vouched = {statement.manifest for statement in statements}
            if fetch.digest in vouched:
                fetch.supporters.append(peer)

    def _checked(
        self, peer: ValidatorIndex, answer: SnapshotOffers
    ) -> tuple[SnapshotStatement, ...]:
        for statement in answer.statements:
            if statement.signer != peer:
                raise WrongStatement(f"signed by {statement.signer}")
            try:
                self._validators.verify_snapshot(statement)
            except SignatureError as error:
                raise WrongStatement(str(error)) from error
        heights = [statement.height for statement in answer.statements]
        if len(set(heights)) < len(heights):
            raise WrongStatement("two of one height")
        return answer.statements

    def _take_manifest(self, fetch: _Fetch, manifest: SnapshotManifest) -> None:
        got = manifest_digest(manifest)
        if got != fetch.digest or manifest.height != fetch.height:
            raise WrongManifest(f"got {got.hex()[:16]}, expected {fetch.digest.hex()[:16]}")
        fetch.files.write_manifest(manifest)
        fetch.manifest = manifest
        fetch.missing = dict.fromkeys(range(len(manifest.chunks)))

    def _take_proof(self, fetch: _Fetch, proof: SnapshotProof) -> None:
        assert fetch.manifest is not None, "the proof is asked for behind all chunks"
        try:
            check_proof(proof, fetch.files, self._genesis, self._validators)
        except SnapshotError as error:
            raise WrongManifest(str(error)) from error
        fetch.files.write_proof(proof)
        fetch.has_proof = True

    # THE WHOLE

    async def _verify(self, fetch: _Fetch) -> None:
        """Judge all of it; what is refused is thrown away, and all who vouched for it are named.

        Raises
        ------
        SnapshotError
            If it is refused, or the own disk has damaged it.
        """
        try:
            await asyncio.to_thread(check_snapshot, fetch.files, self._genesis, self._validators)
            await asyncio.to_thread(fetch.files.sync)
        except (SnapshotError, PeerMisbehaved) as error:
            shutil.rmtree(fetch.files.directory, ignore_errors=True)
            if isinstance(error, PeerMisbehaved):  # Its proof was right when it came.
                raise SnapshotDamaged(str(error)) from error
            if isinstance(error, SnapshotRefused):
                for peer in fetch.supporters:
                    self._standings.caught(peer, WrongStatement(str(error)))
            raise


def _request(digest: Digest, piece: int) -> ManifestRequest | ProofRequest | ChunkRequest:
    if piece == _MANIFEST:
        return ManifestRequest(digest)
    if piece == _PROOF:
        return ProofRequest(digest)
    return ChunkRequest(digest, piece)


def _piece(answer: SnapshotManifest | SnapshotProof | SnapshotChunk) -> int:
    if isinstance(answer, SnapshotManifest):
        return _MANIFEST
    return _PROOF if isinstance(answer, SnapshotProof) else answer.index


def _is_owed(fetch: _Fetch, peer: ValidatorIndex, piece: int) -> bool:
    """Take a piece off the list of those that a peer owes; whether it was there."""
    asked = fetch.asked.get(piece)
    if asked is not None and asked[0] == peer:
        del fetch.asked[piece]
        return True
    if (peer, piece) in fetch.late:
        fetch.late.remove((peer, piece))
        return True
    return False


def _take_chunk(fetch: _Fetch, chunk: SnapshotChunk) -> None:
    assert fetch.manifest is not None, "chunks are asked for behind the manifest"
    expected = fetch.manifest.chunks[chunk.index]
    got = chunk_digest(chunk.data)
    if got != expected:
        raise WrongChunk(
            f"chunk {chunk.index}: got {got.hex()[:16]}, expected {expected.hex()[:16]}"
        )
    fetch.files.write_chunk(chunk.index, chunk.data)
    del fetch.missing[chunk.index]
