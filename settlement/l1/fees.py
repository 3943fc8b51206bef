"""What a transaction offers (EIP-1559), and how much more its replacement: pure."""

from dataclasses import dataclass

from settlement.l1.answers import FeeMarket


@dataclass(frozen=True, slots=True)
class Fees:
    """Fees of one transaction, in wei per gas."""

    max_fee_wei: int
    tip_wei: int


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """Bounds on what is offered.

    Attributes
    ----------
    max_fee_limit_wei
        Never offer more per gas; above it, settlement waits for L1 to get cheaper.
    min_tip_wei
        Offered even if nobody else pays a tip.
    bump_percent
        Raise of a replacement; nodes ask for 10, and 12.5 where they round up.
    """

    max_fee_limit_wei: int = 500 * 10**9
    min_tip_wei: int = 10**8
    bump_percent: int = 13

    def first(self, market: FeeMarket) -> Fees | None:
        """Fees of a new transaction; ``None`` while L1 is dearer than the limit.

        Twice the base fee lasts for six full blocks.
        """
        if market.base_fee_wei + self.min_tip_wei > self.max_fee_limit_wei:
            return None
        tip_wei = max(self.min_tip_wei, market.tip_wei)
        max_fee_wei = min(2 * market.base_fee_wei + tip_wei, self.max_fee_limit_wei)
        return Fees(max_fee_wei, min(tip_wei, max_fee_wei))

    def replacement(self, old: Fees, market: FeeMarket) -> Fees | None:
        """Fees of a replacement; ``None`` if the limit leaves no room for one."""
        least_max_fee_wei = self._raised(old.max_fee_wei)
        if least_max_fee_wei > self.max_fee_limit_wei:
            return None
        tip_wei = max(self._raised(old.tip_wei), market.tip_wei)
        wanted_wei = min(2 * market.base_fee_wei + tip_wei, self.max_fee_limit_wei)
        max_fee_wei = max(least_max_fee_wei, wanted_wei)
        return Fees(max_fee_wei, min(tip_wei, max_fee_wei))

    def _raised(self, wei: int) -> int:
        return wei + max(1, -(-wei * self.bump_percent // 100))
