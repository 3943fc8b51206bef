"""What the ZK chain's predeploys log when they refuse the fast chain something."""

from collections.abc import Iterable
from typing import Final

from bridge.triggers import Refusals
from contracts.addresses import PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from execution.types import Address, Hash32, Receipt
from ledger.hashing import keccak


def _topic(signature: str) -> Hash32:
    return Hash32(keccak(signature.encode()))


_OVER_CAP: Final = frozenset(
    (ROUND_GUARD_ADDRESS, _topic(signature))
    for signature in ("OverCap(uint256,uint256,uint256)", "OverValueCap(uint256,uint256,uint256)")
)
_IMPOSSIBLE: Final = frozenset(
    (PORTAL_ADDRESS, _topic(signature))
    for signature in (
        "ConservationViolation(uint256,uint256,uint256)",
        "ReturnRefused(uint256,address,uint256)",
        "MessageDropped(uint256)",
    )
)
"""Logs of the ZK chain's Portal alone: no honest fast chain sends what leads to one, as long as
its execution was never replayed."""


def refusals_of(receipts: Iterable[Receipt]) -> Refusals:
    """Count what a block of the ZK chain refused the fast chain."""
    over_cap = impossible = 0
    for receipt in receipts:
        for log in receipt.logs:
            if not log.topics:
                continue
            kind: tuple[Address, Hash32] = (log.address, log.topics[0])
            over_cap += kind in _OVER_CAP
            impossible += kind in _IMPOSSIBLE
    return Refusals(over_cap, impossible)
