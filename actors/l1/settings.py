"""What an embedded L1 is told when it starts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from execution.types import Address
from ledger.types import ChainId

L1_CHAIN_ID: Final = ChainId(271_800)
"""Chain id of the development L1."""

TRANSACTION_GAS_LIMIT: Final = 16_777_216
"""EIP-7825."""

BLOCK_GAS_LIMIT: Final = 60_000_000
INITIAL_BASE_FEE_WEI: Final = 10**9
MIN_PRIORITY_FEE_WEI: Final = 1

FINAL_AFTER_BLOCKS: Final = 16
"""A block with so many above it is final: on disk with its state, and no reorg drops it."""

Clock = Callable[[], float]
"""Unix time in seconds."""


class EngineKind(StrEnum):
    """What executes the blocks; both give the same bits."""

    PY_EVM = "py-evm"
    WASM = "wasm"


@dataclass(frozen=True, slots=True)
class L1Settings:
    """Constants of one embedded L1.

    Attributes
    ----------
    balances_wei
        Accounts of the first state.
    is_instant
        Whether every transaction gets a block at once.
    block_interval_seconds
        Time between blocks that come anyway, also empty ones; ``None`` for no such blocks.
        Whoever waits for confirmations needs them.
    has_controls
        Whether JSON-RPC has the methods that change time, fees and history.
    """

    balances_wei: dict[Address, int] = field(default_factory=dict)
    chain_id: ChainId = L1_CHAIN_ID
    engine: EngineKind = EngineKind.PY_EVM
    is_instant: bool = True
    block_interval_seconds: float | None = None
    has_controls: bool = False
