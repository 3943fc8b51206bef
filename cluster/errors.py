"""Errors of the cluster package; each message says what to do next.

ClusterError
├── AlreadyRunning      a network runs from this directory already
├── NotRunning          no network runs from this directory
├── BadDirectory        the data directory is damaged or not one of ours
├── KeysRefused         what an operator made or handed over are no keys of a validator
├── GenesisRefused      what the founders have put together starts no network, or not ours
├── BackupRefused       a backup that is damaged, incomplete, or of another node
├── LedgerRefused       a ledger on disk that is damaged, or lacks what was asked for
├── PortsTaken          a port that the network needs is in use
├── StartFailed         Ray or an actor did not come up
│   └── NoMachine       a Ray has no machine for a node
├── RestartRefused      more validators would be away than the ledger bears
├── RestartFailed       a node that was restarted does not take part again
├── RayUnreachable      a Ray that was named does not let us in
├── DemoFailed          a step or an invariant of the demo or of a bench failed
├── NoProverPool        no node of the network proves anything
└── ProofRefused        a proof file that does not prove what it says
"""


class ClusterError(Exception):
    """Base of everything that this package raises."""


class AlreadyRunning(ClusterError):
    """A network runs from this directory already."""


class NotRunning(ClusterError):
    """No network runs from this directory."""


class BadDirectory(ClusterError):
    """The data directory is damaged or not one of ours."""


class KeysRefused(ClusterError):
    """What an operator made or handed over are no keys of a validator."""


class GenesisRefused(ClusterError):
    """What the founders have put together starts no network, or not the one that it should."""


class BackupRefused(ClusterError):
    """A backup is damaged, incomplete, or of another node; or its place is taken."""


class LedgerRefused(ClusterError):
    """A ledger on disk is damaged, or lacks what was asked for."""


class PortsTaken(ClusterError):
    """A port that the network needs is in use."""


class StartFailed(ClusterError):
    """Ray or an actor did not come up."""


class NoMachine(StartFailed):
    """A Ray has no machine for a node."""


class RestartRefused(ClusterError):
    """More validators would be away than the ledger bears."""


class RestartFailed(ClusterError):
    """A node that was restarted does not take part again; the others were left alone."""


class RayUnreachable(ClusterError):
    """A Ray that was named does not answer, or does not let us in."""


class DemoFailed(ClusterError):
    """A step or an invariant of the demo or of a bench failed."""


class NoProverPool(ClusterError):
    """No node of the network proves anything."""


class ProofRefused(ClusterError):
    """A proof file does not prove what it says."""
