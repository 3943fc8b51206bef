"""The protocol's own contracts, the example game, and the Python side of both.

``src/`` holds the Vyper sources, ``artifacts/`` what they compile to. Running
needs only the artifacts; ``python -m contracts.build`` makes them.
"""

from contracts.addresses import (
    BRIDGED_TOKENS_ADDRESS,
    FORCED_TRANSACTION_ADDRESS,
    OWNERSHIP_ORACLE_ADDRESS,
    PORTAL_ADDRESS,
    ROUND_GUARD_ADDRESS,
)
from contracts.compiled import Artifact, artifact
from contracts.predeploys import fast_predeploys, zk_predeploys

__all__ = [
    "BRIDGED_TOKENS_ADDRESS",
    "FORCED_TRANSACTION_ADDRESS",
    "OWNERSHIP_ORACLE_ADDRESS",
    "PORTAL_ADDRESS",
    "ROUND_GUARD_ADDRESS",
    "Artifact",
    "artifact",
    "fast_predeploys",
    "zk_predeploys",
]
