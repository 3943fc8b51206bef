"""Errors of snapshots.

SnapshotError
├── SnapshotDamaged       a snapshot on the own disk that is not whole
└── SnapshotRefused       a whole snapshot that is not what the certificates say

A peer that answers wrongly is an :class:`actors.validator.errors.PeerMisbehaved`.
"""


class SnapshotError(Exception):
    """Base of everything that this package raises."""


class SnapshotDamaged(SnapshotError):
    """A snapshot on the own disk that is not whole: it is fetched or made again."""


class SnapshotRefused(SnapshotError):
    """A snapshot that is not what the certificates say.

    One that f+1 validators vouch for: then more than f lied. An own one: then this node has
    executed something else than what is certified.
    """
