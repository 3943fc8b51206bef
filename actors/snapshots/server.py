"""Serving snapshots: what this node vouches for, and its chunks.

Called for one request after the other at the rate of
:class:`actors.validator.history_server.HistoryServer`. The chunks of a snapshot are made when a
peer first asks, in a thread that rests half of the time: execution and votes go on.
"""

import asyncio
from typing import Final

import structlog

from actors.snapshots.builder import SnapshotBuilder
from actors.snapshots.errors import SnapshotError, SnapshotRefused
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.messages import (
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
from actors.validator.history_proof import certified_link
from execution.genesis import chain_spec
from ledger.codec import encode
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
from storage.errors import StorageError

MAX_OFFERED: Final = 2

log = structlog.get_logger(__name__)


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
        transport: Transport,
    ) -> None:
        self.served_chunks = 0
        self._index = index
        self._genesis = genesis
        self._validators = validators
        self._keys = keys
        self._archive = archive
        self._shelf = shelf
        self._transport = transport
        self._made: dict[Digest, tuple[Height, SnapshotFiles, SnapshotManifest]] = {}
        self._failed: set[Height] = set()
        self._is_asked = asyncio.Event()

    async def run(self) -> None:
        """Make what is asked for, until cancelled."""
        while True:
            await self._is_asked.wait()
            self._is_asked.clear()
            for plan in self._to_make():
                await self._make(plan)

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
            _, files, manifest = found
            if isinstance(request, ManifestRequest):
                return manifest
            if isinstance(request, ProofRequest):
                return self._proof(request.manifest, manifest, files)
            data = files.chunk(request.index)
            self.served_chunks += data is not None
            return None if data is None else SnapshotChunk(request.manifest, request.index, data)
        self._is_asked.set()
        newest = sorted(self._made.items(), key=lambda entry: entry[1][0])[-MAX_OFFERED:]
        return SnapshotOffers(tuple(self._statement(digest, made[0]) for digest, made in newest))

    def _statement(self, manifest: Digest, height: Height) -> SnapshotStatement:
        epoch = self._validators.epoch
        message = snapshot_message(self._validators.digest, epoch, height, manifest)
        signature = self._keys.consensus.sign(message)
        return SnapshotStatement(epoch, height, manifest, self._index, signature)

    def _proof(
        self, digest: Digest, manifest: SnapshotManifest, files: SnapshotFiles
    ) -> SnapshotProof | None:
        known = files.proof()
        if known is not None:
            return known
        block = self._archive.block(manifest.height)
        found = None if block is None else certified_link(self._archive, block)
        zk, fast = (
            self._archive.checkpoint(role, files.head(role).number)
            for role in (ChainRole.ZK, ChainRole.FAST)
        )
        if block is None or found is None or zk is None or fast is None:
            return None
        link, finalization = found
        proof = SnapshotProof(
            digest, block.encoded, link, finalization, zk.certificate, fast.certificate
        )
        files.write_proof(proof)
        return proof

    # MAKING

    def _to_make(self) -> list[SnapshotPlan]:
        """The newest snapshot that both chains' checkpoints are certified for, unless it is made.

        A made one is remembered only while it is on disk.
        """
        self._made = {
            digest: made for digest, made in self._made.items() if made[1].directory.exists()
        }
        made = {height for height, _, _ in self._made.values()}
        for plan in self._shelf.executed():
            is_certified = all(
                self._archive.checkpoint(role, number) is not None
                for role, number in plan.numbers.items()
            )
            if is_certified:
                is_news = plan.height not in made and plan.height not in self._failed
                return [plan] if is_news else []
        return []

    async def _make(self, plan: SnapshotPlan) -> None:
        files = self._shelf.files(plan.height)
        try:
            manifest = await asyncio.to_thread(self._build, plan)
        except (SnapshotError, StorageError, OSError) as error:
            self._failed.add(plan.height)
            log.error("no snapshot can be made", height=plan.height, reason=str(error))
            return
        self._made[manifest_digest(manifest)] = (plan.height, files, manifest)
        log.info("snapshot made", height=plan.height, chunks=len(manifest.chunks))

    def _build(self, plan: SnapshotPlan) -> SnapshotManifest:
        """Make the chunks. Runs in a thread.

        Raises
        ------
        SnapshotError, StorageError
            If this node has executed something else than what is certified, or a copy is damaged.
        """
        heads = self._archive.chain_heads(plan.height)
        ledger = LedgerSnapshot(
            self._archive.state_after(plan.height), heads[ChainRole.ZK], heads[ChainRole.FAST]
        )
        files = self._shelf.files(plan.height)
        places = {role: self._shelf.state_of(plan.height, role) for role in ChainRole}
        specs = {role: chain_spec(self._genesis, role) for role in ChainRole}
        chains = {role: (specs[role], places[role]) for role in ChainRole}
        manifest = SnapshotBuilder(files.directory).build(ledger, chains)
        for role, number in plan.numbers.items():
            certified = self._archive.checkpoint(role, number)
            if certified is None:
                raise SnapshotRefused(f"{role.name} block {number} is not certified any more")
            check_head(files.head(role), certified.certificate.checkpoint)
        return manifest
