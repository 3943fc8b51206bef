"""The state of the ZK chain where witnesses have come to, on disk: a restart goes on from there.

The executor's state on disk is that of its newest final block, which is ahead of the blocks that
are still to be proved; so this is a second copy of the state, as of an older block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final

from actors.executor.chain_store import ChainStore
from actors.prover.batch import Standing
from execution.engine import WasmEngine
from execution.statement import Accumulators
from execution.types import AccountChange, ChainSpec, Hash32
from ledger.bounds import AtMost, Exactly, Uint
from ledger.codec import decode, encode, wire
from storage.keys import meta_key
from storage.store import Space, Store, WriteBatch

MAX_RECORD_BYTES: Final = 1 << 16
_STANDING: Final = meta_key("standing")

Hash = Annotated[bytes, Exactly(32)]


@wire(135)
class StandingRecord:
    """A :class:`~actors.prover.batch.Standing`."""

    number: Annotated[int, Uint(64)]
    header_rlp: Annotated[bytes, AtMost(4096)]
    block_data: Hash
    deposits: Hash
    inbound: Hash
    certificates: Hash
    outbox: Hash


class Frontier:
    """State, header and hash chains after one block; moves forward only.

    Raises
    ------
    StorageLockedError
        Another process has the directory.
    """

    def __init__(self, directory: Path, spec: ChainSpec) -> None:
        self._spec = spec
        self._store = Store(directory)
        self._chain = ChainStore(self._store, spec.chain_id)

    def __enter__(self) -> Frontier:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def standing(self) -> Standing | None:
        """Where it is; None at genesis, or if nothing was stored yet."""
        raw = self._store.get(Space.META, _STANDING)
        if raw is None:
            return None
        record = decode(raw, StandingRecord, limit_bytes=MAX_RECORD_BYTES)
        chains = (
            record.block_data, record.deposits, record.inbound, record.certificates, record.outbox
        )  # fmt: skip
        accumulators = Accumulators(*(Hash32(chain) for chain in chains))
        return Standing(record.number, record.header_rlp, accumulators)

    def engine(self, standing: Standing, recent_hashes: Mapping[int, Hash32]) -> WasmEngine:
        """An engine after the block where it is.

        Raises
        ------
        SnapshotRejectedError
            The stored state is not that of the header.
        """
        engine = WasmEngine.from_snapshot(
            self._spec, standing.header_rlp, self._chain.accounts(), recent_hashes
        )
        engine.finalize(standing.number)
        return engine

    def reset(self) -> None:
        """Go back to genesis."""
        batch = WriteBatch()
        for space in Space:
            batch.delete_range(space, b"", b"\xff" * 64)
        self._store.commit(batch, sync=True)
        # It remembers the codes of the state that is no more.
        self._chain = ChainStore(self._store, self._spec.chain_id)
        self._chain.write_genesis(self._spec.alloc)

    def advance(self, standing: Standing, changes: Sequence[AccountChange]) -> None:
        """Move on, as a whole or not at all."""
        batch = WriteBatch()
        self._chain.apply(changes, batch)
        chains = standing.accumulators
        record = StandingRecord(
            standing.number,
            standing.header_rlp,
            chains.block_data,
            chains.deposits,
            chains.inbound,
            chains.certificates,
            chains.outbox,
        )
        batch.put(Space.META, _STANDING, encode(record))
        self._store.commit(batch)

    def close(self) -> None:
        """Flush and close."""
        self._store.close()
