"""EIP-1559: the base fee of the next block."""

from typing import Final

from execution.types import ChainSpec

ELASTICITY: Final = 2
CHANGE_DENOMINATOR: Final = 8


def next_base_fee_wei(spec: ChainSpec, base_fee_wei: int, gas_used: int, gas_limit: int) -> int:
    """Base fee of the block after one with these values."""
    if spec.is_base_fee_zero:
        return 0
    target = gas_limit // ELASTICITY
    if gas_used == target:
        return base_fee_wei
    change = base_fee_wei * abs(gas_used - target) // target // CHANGE_DENOMINATOR
    if gas_used > target:
        return base_fee_wei + max(1, change)
    return base_fee_wei - change
