"""The operator's votes on disk: what was cast is cast, also after a restart."""

from typing import Final, Protocol, cast

from ledger.codec import decode, encode
from ledger.crossing import OperatorVote, QuarantineVote, ResumeVote
from ledger.hashing import keccak
from ledger.membership import SetChangeProposal, SetChangeVote
from storage.store import Space, Store, WriteBatch

MAX_VOTE_BYTES: Final = 64 * 1024
"""Room for the longest proposal of a validator set: 16 newcomers."""
_KINDS: Final = (QuarantineVote, ResumeVote, SetChangeProposal, SetChangeVote)
_PREFIX: Final = b"operator-vote/"


class VoteShelf(Protocol):
    """Where an :class:`~actors.validator.operators.OperatorDesk` keeps its own votes."""

    def load(self) -> list[OperatorVote]:
        """All kept votes."""
        ...

    def keep(self, vote: OperatorVote) -> None:
        """Keep a vote; it is on the disk when this returns."""
        ...

    def forget(self, votes: list[OperatorVote]) -> None:
        """Forget votes that are of no use any more."""
        ...


class StoredVotes:
    """A :class:`VoteShelf` in the validator's ledger store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self) -> list[OperatorVote]:
        """All kept votes, in no particular order."""
        return [
            cast(OperatorVote, decode(raw, *_KINDS, limit_bytes=MAX_VOTE_BYTES))
            for _, raw in self._store.iterate(Space.META, _PREFIX)
        ]

    def keep(self, vote: OperatorVote) -> None:
        """Keep a vote; it is on the disk when this returns."""
        self._store.put(Space.META, _key(vote), encode(vote), sync=True)

    def forget(self, votes: list[OperatorVote]) -> None:
        """Forget votes that are of no use any more."""
        if not votes:
            return
        batch = WriteBatch()
        for vote in votes:
            batch.delete(Space.META, _key(vote))
        self._store.commit(batch)


def _key(vote: OperatorVote) -> bytes:
    return _PREFIX + keccak(encode(vote))
