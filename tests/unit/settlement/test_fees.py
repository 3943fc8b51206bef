import pytest

from settlement.l1.answers import FeeMarket
from settlement.l1.fees import FeePolicy, Fees

GWEI = 10**9
POLICY = FeePolicy(max_fee_limit_wei=100 * GWEI, min_tip_wei=GWEI // 10)


def test_a_first_offer_lasts_while_the_base_fee_doubles() -> None:
    fees = POLICY.first(FeeMarket(10 * GWEI, 2 * GWEI))
    assert fees == Fees(22 * GWEI, 2 * GWEI)


def test_no_offer_is_above_the_limit() -> None:
    assert POLICY.first(FeeMarket(60 * GWEI, GWEI)) == Fees(100 * GWEI, GWEI)


def test_there_is_no_offer_while_l1_is_dearer_than_the_limit() -> None:
    assert POLICY.first(FeeMarket(100 * GWEI, 0)) is None


def test_nobody_paying_a_tip_does_not_mean_none() -> None:
    fees = POLICY.first(FeeMarket(GWEI, 0))
    assert fees is not None
    assert fees.tip_wei == POLICY.min_tip_wei


@pytest.mark.parametrize("old", [Fees(1, 0), Fees(7, 1), Fees(20 * GWEI, GWEI)])
def test_a_replacement_raises_both_fees_by_an_eighth_at_least(old: Fees) -> None:
    new = POLICY.replacement(old, FeeMarket(0, 0))
    assert new is not None
    assert new.max_fee_wei * 8 >= old.max_fee_wei * 9
    assert new.tip_wei > old.tip_wei
    assert new.tip_wei * 8 >= old.tip_wei * 9 or new.tip_wei == new.max_fee_wei


def test_a_replacement_follows_the_market() -> None:
    new = POLICY.replacement(Fees(2 * GWEI, GWEI), FeeMarket(30 * GWEI, 3 * GWEI))
    assert new == Fees(63 * GWEI, 3 * GWEI)


def test_there_is_no_replacement_beyond_the_limit() -> None:
    assert POLICY.replacement(Fees(90 * GWEI, GWEI), FeeMarket(GWEI, 0)) is None
