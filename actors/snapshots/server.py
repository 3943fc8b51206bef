"""Serving snapshots: what this node vouches for, and its chunks.

Called for one request after the other at the rate of
:class:`actors.validator.history_server.HistoryServer`. The chunks of a snapshot are made when a
peer first asks, in a thread that rests half of the time: execution and votes go on.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from actors.snapshots.builder import SnapshotBuilder
from actors.snapshots.errors import SnapshotError, SnapshotRefused
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.messages import (
    MAX_HEADERS_AFTER_HEAD,
    CertifiedHeaders,
    ChunkRequest,
    ManifestRequest,
    ProofRequest,
    SnapshotChunk,
    SnapshotOffers,
    SnapshotProof,
    SnapshotRequest,
)
from actors.snapshots.records import LedgerSnapshot
from actors.snapshots.shelf import SnapshotPlan, SnapshotShelf
from actors.snapshots.verification import check_head
from actors.transport.interface import Channel, Transport
from actors.validator.archive import Archive
from actors.validator.clients import ExecutorClient, PartUnavailable
from actors.validator.history_proof import certified_link
from execution.genesis import chain_spec
from ledger.block import BlockHeader, SealedBlock
from ledger.codec import encode
from ledger.crossing import CheckpointCertificate
from ledger.genesis import Genesis
from ledger.keys import ValidatorKeys
from ledger.snapshot import (
    SnapshotManifest,
    SnapshotStatement,
    manifest_digest,
    snapshot_message,
)
from ledger.types import ChainRole, Digest, Height, ValidatorIndex
from ledger.validators import ValidatorSet
from ledger.votes import Finalization
from storage.errors import StorageError

MAX_MADE: Final = 3
ACTIVE_SECONDS: Final = 60.0
"""A snapshot that was asked for within this time is kept: somebody fetches it."""

MAX_SERVED_SECONDS: Final = 3600.0

RENEWED_AFTER: Final = 2
"""A newer snapshot is made by itself when it is more than so many spacings newer."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Made:
    """A snapshot that can be served; ``asked_at`` is when a peer last wanted a piece of it."""

    digest: Digest
    manifest: SnapshotManifest
    files: SnapshotFiles
    made_at: float
    asked_at: float


@dataclass(frozen=True, slots=True)
class _Makeable:
    """A plan, and what proves its block and, by their next checkpoints, its states."""

    plan: SnapshotPlan
    block: SealedBlock
    link: tuple[tuple[BlockHeader, ...], Finalization]
    certificates: dict[ChainRole, CheckpointCertificate]


class SnapshotServer:
    """Answers what peers ask about this node's snapshots."""

    def __init__(
        self,
        index: ValidatorIndex,
        genesis: Genesis,
        validators: ValidatorSet,
        keys: ValidatorKeys,
        archive: Archive,
        shelf: SnapshotShelf,
        executors: Mapping[ChainRole, ExecutorClient],
        transport: Transport,
        clock: Callable[[], float],
    ) -> None:
        self.served_chunks = 0
        self._index = index
        self._genesis = genesis
        self._validators = validators
        self._keys = keys
        self._archive = archive
        self._shelf = shelf
        self._executors = executors
        self._transport = transport
        self._clock = clock
        self._failed: set[Height] = set()
        self._wanted: set[Height] = set()
        self._is_asked = asyncio.Event()
        self._made = {one.digest: one for one in self._found_on_disk()}

    async def run(self) -> None:
        """Make what is asked for, until cancelled."""
        while True:
            await self._is_asked.wait()
            self._is_asked.clear()
            makeable = self._to_make()
            self._wanted.clear()
            if makeable is not None and self._has_room():
                await self._make(makeable)

    def made(self) -> set[Digest]:
        """Manifests of the snapshots that can be served."""
        return set(self._made)

    def made_heights(self) -> set[Height]:
        """Their heights."""
        return {made.manifest.height for made in self._made.values()}

    def forget_after(self, fast_number: int) -> None:
        """Serve no state of the fast chain any more that is newer than this block.

        The chain is replayed from it: what was certified behind it may be forged.
        """
        for one in list(self._made.values()):
            if one.files.head(ChainRole.FAST).number > fast_number:
                del self._made[one.digest]
                self._shelf.forget(one.manifest.height)

    def answer(self, peer: ValidatorIndex, request: SnapshotRequest) -> int:
        """Answer one request now, if it can be; gives the bytes that were sent."""
        answer = self._answer_to(request)
        if answer is None:
            return 0
        payload = encode(answer)
        self._transport.send(peer, Channel.BACKFILL, payload)
        return len(payload)

    def _answer_to(
        self, request: SnapshotRequest
    ) -> SnapshotOffers | SnapshotManifest | SnapshotProof | SnapshotChunk | None:
        if isinstance(request, ManifestRequest | ProofRequest | ChunkRequest):
            found = self._made.get(request.manifest)
            if found is None:
                return None
            found.asked_at = self._clock()
            if isinstance(request, ManifestRequest):
                return found.manifest
            if isinstance(request, ProofRequest):
                return found.files.proof()
            data = found.files.chunk(request.index)
            self.served_chunks += data is not None
            return None if data is None else SnapshotChunk(request.manifest, request.index, data)
        self._wanted.update(filter(self._shelf.is_planned, request.heights))
        self._is_asked.set()
        return SnapshotOffers(tuple(map(self._statement, self._made.values())))

    def _statement(self, made: _Made) -> SnapshotStatement:
        manifest, height = made.digest, made.manifest.height
        epoch = self._validators.epoch
        message = snapshot_message(self._validators.digest, epoch, height, manifest)
        signature = self._keys.consensus.sign(message)
        return SnapshotStatement(epoch, height, manifest, self._index, signature)

    # MAKING

    def _found_on_disk(self) -> list[_Made]:
        """Snapshots that were made before a restart; what is left of others is deleted."""
        found = []
        for height in self._shelf.heights():
            files = self._shelf.files(height)
            manifest = files.manifest()
            if manifest is not None and files.proof() is not None:
                now = self._clock()
                found.append(_Made(manifest_digest(manifest), manifest, files, now, now))
        return found

    def _has_room(self) -> bool:
        """Make room for one more snapshot, unless all that are here are being fetched.

        Whoever goes on asking for old ones cannot keep them here for ever.
        """
        now = self._clock()
        while len(self._made) >= MAX_MADE:
            oldest = min(self._made.values(), key=lambda made: made.asked_at)
            too_old = min(self._made.values(), key=lambda made: made.made_at)
            if too_old.made_at < now - MAX_SERVED_SECONDS:
                oldest = too_old
            elif oldest.asked_at > now - ACTIVE_SECONDS:
                return False
            del self._made[oldest.digest]
            self._shelf.forget(oldest.manifest.height)
        return True

    def _to_make(self) -> _Makeable | None:
        """The newest snapshot that is asked for and that all is here for, unless it is made.

        If peers have none yet, it is the newest of all: not each newer one, or what they have
        would never be the same.
        """
        made = {one.manifest.height for one in self._made.values()}
        renewed_from = max(made, default=0) + RENEWED_AFTER * self._shelf.spacing_blocks
        for plan in self._shelf.executed():
            is_asked = plan.height in self._wanted
            is_renewed = not self._wanted and (not made or plan.height > renewed_from)
            is_news = plan.height not in made and plan.height not in self._failed
            if not is_news or not (is_asked or is_renewed):
                continue
            makeable = self._makeable(plan)
            if makeable is not None:
                return makeable
        return None

    def _makeable(self, plan: SnapshotPlan) -> _Makeable | None:
        block = self._archive.block(plan.height)
        link = None if block is None else certified_link(self._archive, block)
        certificates = {}
        for role, number in plan.numbers.items():
            checkpoint = self._archive.checkpoint_from(role, number)
            if checkpoint is not None:
                certificates[role] = checkpoint.certificate
        if block is None or link is None or len(certificates) < len(plan.numbers):
            return None
        return _Makeable(plan, block, link, certificates)

    async def _make(self, wanted: _Makeable) -> None:
        height = wanted.plan.height
        try:
            headers = {
                role: await self._headers_after(role, number, wanted.certificates[role])
                for role, number in wanted.plan.numbers.items()
            }
            manifest = await asyncio.to_thread(self._build, wanted, headers)
        except PartUnavailable:
            return  # Peers ask again.
        except (SnapshotError, StorageError, OSError) as error:
            self._failed.add(height)
            log.error("no snapshot can be made", height=height, reason=str(error))
            return
        digest, now = manifest_digest(manifest), self._clock()
        self._made[digest] = _Made(digest, manifest, self._shelf.files(height), now, now)
        log.info("snapshot made", height=height, chunks=len(manifest.chunks))

    async def _headers_after(
        self, role: ChainRole, number: int, certificate: CheckpointCertificate
    ) -> CertifiedHeaders:
        """Headers from the block after a state up to the one that a checkpoint is of.

        Raises
        ------
        PartUnavailable, SnapshotRefused
            If the executor cannot tell them now, or there are more than anybody takes.
        """
        count = certificate.checkpoint.number - number
        if count > MAX_HEADERS_AFTER_HEAD:
            raise SnapshotRefused(f"{count} headers to the next checkpoint of {role.name}")
        header_rlps = await self._executors[role].final_headers(number + 1, count)
        if len(header_rlps) != count:
            raise PartUnavailable(f"the executor has not come to {certificate.checkpoint.number}")
        return CertifiedHeaders(tuple(header_rlps), certificate)

    def _build(
        self, wanted: _Makeable, headers: dict[ChainRole, CertifiedHeaders]
    ) -> SnapshotManifest:
        """Make the chunks. Runs in a thread.

        Raises
        ------
        SnapshotError, StorageError
            If this node has executed something else than what is certified, or a copy is damaged.
        """
        plan = wanted.plan
        heads = self._archive.chain_heads(plan.height)
        ledger = LedgerSnapshot(
            self._archive.state_after(plan.height), heads[ChainRole.ZK], heads[ChainRole.FAST]
        )
        files = self._shelf.files(plan.height)
        chains = {
            role: (chain_spec(self._genesis, role), self._shelf.state_of(plan.height, role))
            for role in ChainRole
        }
        manifest = SnapshotBuilder(files.directory).build(ledger, chains)
        for role in ChainRole:
            check_head(files.head(role), headers[role])
        link, finalization = wanted.link
        files.write_proof(
            SnapshotProof(
                manifest_digest(manifest),
                wanted.block.encoded,
                link,
                finalization,
                headers[ChainRole.ZK],
                headers[ChainRole.FAST],
            )
        )
        return manifest
