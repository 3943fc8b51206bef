from gateway.methods.fees import tips_at_percentiles
from gateway.views import BlockFees


def fees(*tips: tuple[int, int]) -> BlockFees:
    return BlockFees(1, 0, sum(gas for _, gas in tips), 100, tips)


def test_percentiles_are_of_gas_and_not_of_transactions() -> None:
    block = fees((5, 10), (1, 80), (9, 10))
    assert tips_at_percentiles(block, [0, 50, 80, 85, 90, 95, 100]) == [1, 1, 1, 5, 5, 9, 9]


def test_a_block_without_transactions_has_zero_tips() -> None:
    assert tips_at_percentiles(fees(), [10, 90]) == [0, 0]
