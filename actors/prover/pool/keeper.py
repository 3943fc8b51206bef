"""The queue with its disk: what an event changes is on the disk before anybody learns of it.

The pool's directory::

    prover/
      queue/        the state (rocksdict), see proving.jobs.records
      witnesses/    inputs of jobs without a proof, each under its digest
      proofs/       proofs that are published or wait to be verified
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from actors.prover.pool.files import FileShelf
from proving.jobs import QueueConfig, QueueState, step
from proving.jobs.effects import DropFiles, Effect
from proving.jobs.events import Event, Started
from proving.jobs.records import changes, recover
from storage.store import Space, Store, WriteBatch


class QueueKeeper:
    """Holds the queue; nobody else changes it. Not for several threads.

    Parameters
    ----------
    clock_ms
        Wall-clock time in milliseconds.

    Raises
    ------
    StorageLockedError
        Another pool has the directory.
    QueueDamaged
        The directory holds no queue.
    """

    def __init__(self, directory: Path, config: QueueConfig, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._store = Store(directory / "queue")
        try:
            self._state = recover(config, self._store.iterate(Space.META))
            self.witnesses = FileShelf(directory / "witnesses")
            self.proofs = FileShelf(directory / "proofs")
            self.witnesses.sweep(self._state.witness_files())
            self.proofs.sweep(self._state.proof_files())
        except BaseException:
            self._store.close()
            raise

    @property
    def state(self) -> QueueState:
        """What is on the disk."""
        return self._state

    def now_ms(self) -> int:
        """The time that events happen at."""
        return self._clock_ms()

    def start(self) -> tuple[Effect, ...]:
        """Begin with what the disk holds; gives the effects that a crash may have swallowed."""
        return self.handle(Started())

    def handle(self, event: Event) -> tuple[Effect, ...]:
        """Step, persist, remove files that nobody needs, and give the other effects.

        Raises
        ------
        InvalidSegments
            As :func:`proving.jobs.step` raises it.
        StorageError
            The disk failed; nothing has happened.
        """
        state, effects = step(self._state, event, self._clock_ms())
        changed = changes(self._state, state)
        if changed:
            batch = WriteBatch()
            for key, content in changed.items():
                if content is None:
                    batch.delete(Space.META, key)
                else:
                    batch.put(Space.META, key, content)
            self._store.commit(batch, sync=True)
        self._state = state
        for effect in effects:
            if isinstance(effect, DropFiles):
                self.witnesses.drop(effect.witnesses)
                self.proofs.drop(effect.proofs)
        return tuple(effect for effect in effects if not isinstance(effect, DropFiles))

    def close(self) -> None:
        """Let others open the directory. Safe to call twice."""
        self._store.close()
