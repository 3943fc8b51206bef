"""The loss bound: what is lost at most if the fast chain's execution lies from now on.

    bound = Σ over open rounds (remaining mints × unit value + remaining value)
            + value locked on the fast chain

The ``RoundGuard`` and ``Portal`` predeploys of the ZK chain enforce it inside the
validity proof; this is the same sum, computed from what they hold, for metrics, the
console and the invariant that tests check. Amounts are in the asset's smallest
unit; ETH has the zero address.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ledger.types import EvmAddress

ETH: Final = EvmAddress(bytes(20))


@dataclass(frozen=True, slots=True)
class RoundAllowance:
    """What one open round may still bring to the ZK chain in one asset.

    ``unit_value`` is what one mint of the round's trophies is worth in the asset.
    """

    round_id: int
    asset: EvmAddress
    remaining_mints: int
    unit_value: int
    remaining_value: int

    @property
    def total(self) -> int:
        """Mints and value together."""
        return self.remaining_mints * self.unit_value + self.remaining_value


@dataclass(frozen=True, slots=True)
class LockedAsset:
    """What entered the fast chain in one asset and has not left."""

    asset: EvmAddress
    amount: int


@dataclass(frozen=True, slots=True)
class AssetExposure:
    """The parts of the bound in one asset."""

    asset: EvmAddress
    locked: int
    mintable: int
    withdrawable: int

    @property
    def total(self) -> int:
        """What is lost of the asset at most."""
        return self.locked + self.mintable + self.withdrawable


@dataclass(frozen=True, slots=True)
class Exposure:
    """Everything that a lying fast chain could reach."""

    locked: tuple[LockedAsset, ...]
    rounds: tuple[RoundAllowance, ...]

    def by_asset(self) -> tuple[AssetExposure, ...]:
        """The bound per asset, by ascending address."""
        assets = {entry.asset for entry in self.locked} | {entry.asset for entry in self.rounds}
        return tuple(self.of(asset) for asset in sorted(assets))

    def of(self, asset: EvmAddress) -> AssetExposure:
        """The bound in one asset; zero if nothing of it is exposed."""
        rounds = [entry for entry in self.rounds if entry.asset == asset]
        return AssetExposure(
            asset=asset,
            locked=sum(entry.amount for entry in self.locked if entry.asset == asset),
            mintable=sum(entry.remaining_mints * entry.unit_value for entry in rounds),
            withdrawable=sum(entry.remaining_value for entry in rounds),
        )


@dataclass(frozen=True, slots=True)
class Inflow:
    """One thing that the ZK chain accepted from the fast chain: mints, or value, or unlocking.

    ``unit_value`` is that of the mints; ``unlocked`` comes from what was locked.
    """

    asset: EvmAddress
    mints: int = 0
    unit_value: int = 0
    value: int = 0
    unlocked: int = 0

    @property
    def total(self) -> int:
        """What was lost if the fast chain had no right to it."""
        return self.mints * self.unit_value + self.value + self.unlocked


def realised_loss(inflows_since_compromise: Iterable[Inflow], asset: EvmAddress) -> int:
    """What a compromised fast chain took in one asset: all that it was given is counted lost."""
    return sum(inflow.total for inflow in inflows_since_compromise if inflow.asset == asset)


def is_within_bound(at_compromise: Exposure, inflows_since: Iterable[Inflow]) -> bool:
    """The invariant: in each asset, realised loss ≤ bound at the moment of the compromise.

    Rounds that open later, and value that is locked later, add to the exposure: pass
    the inflows up to the next such event, or an exposure that counts them in.
    """
    inflows = tuple(inflows_since)
    assets = {inflow.asset for inflow in inflows}
    return all(realised_loss(inflows, asset) <= at_compromise.of(asset).total for asset in assets)
