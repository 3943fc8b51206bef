"""Contracts on L1 where the ZK chain settles, and the Python side of them.

``src/`` holds the Vyper sources, ``artifacts/`` what they compile to. Running needs only the
artifacts; ``python -m contracts.build`` makes them.
"""

from contracts.l1.batches import BatchStatus, batch_id, checkpoint_tuple, post_data_call
from contracts.l1.compiled import L1_CONTRACT_NAMES, l1_artifact
from contracts.l1.deployment import RollupSettings, created_address
from contracts.l1.points import encode_key, encode_signature

__all__ = [
    "L1_CONTRACT_NAMES",
    "BatchStatus",
    "RollupSettings",
    "batch_id",
    "checkpoint_tuple",
    "created_address",
    "encode_key",
    "encode_signature",
    "l1_artifact",
    "post_data_call",
]
