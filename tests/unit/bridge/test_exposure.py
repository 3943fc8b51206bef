"""The loss bound, the invariant, and the triggers of a quarantine vote."""

from dataclasses import replace

import pytest
from bridge_world import FAST, GENESIS, ZK, LedgerWorld, checkpoint_of, index, root

from bridge.attestations import Divergence
from bridge.exposure import (
    ETH,
    AssetExposure,
    Exposure,
    Inflow,
    LockedAsset,
    RoundAllowance,
    is_within_bound,
    realised_loss,
)
from bridge.triggers import (
    Observations,
    QuarantineReason,
    Refusals,
    TriggerLimits,
    find_reason,
)
from ledger.crossing import Checkpoint
from ledger.types import BlockNumber, EvmAddress

TOKEN = EvmAddress(b"\x77" * 20)
EXPOSURE = Exposure(
    locked=(LockedAsset(ETH, 100), LockedAsset(TOKEN, 7)),
    rounds=(
        RoundAllowance(round_id=1, asset=ETH, remaining_mints=3, unit_value=10, remaining_value=5),
        RoundAllowance(round_id=2, asset=ETH, remaining_mints=0, unit_value=99, remaining_value=1),
        RoundAllowance(round_id=3, asset=TOKEN, remaining_mints=2, unit_value=4, remaining_value=0),
    ),
)


def test_the_bound_sums_caps_and_what_is_locked_per_asset() -> None:
    assert EXPOSURE.by_asset() == (
        AssetExposure(ETH, locked=100, mintable=30, withdrawable=6),
        AssetExposure(TOKEN, locked=7, mintable=8, withdrawable=0),
    )
    assert [part.total for part in EXPOSURE.by_asset()] == [136, 15]


def test_taking_everything_that_the_caps_allow_is_within_the_bound() -> None:
    everything = (
        Inflow(ETH, mints=3, unit_value=10, value=5),
        Inflow(ETH, value=1, unlocked=100),
        Inflow(TOKEN, mints=2, unit_value=4, unlocked=7),
    )
    assert realised_loss(everything, ETH) == 136
    assert is_within_bound(EXPOSURE, everything)
    assert is_within_bound(EXPOSURE, ())


@pytest.mark.parametrize(
    "excess",
    [
        Inflow(ETH, value=137),
        Inflow(TOKEN, mints=4, unit_value=4),
        Inflow(EvmAddress(b"\x01" * 20), unlocked=1),
    ],
)
def test_one_unit_more_breaks_the_bound(excess: Inflow) -> None:
    assert not is_within_bound(EXPOSURE, (excess,))


def test_assets_do_not_make_up_for_each_other() -> None:
    assert not is_within_bound(EXPOSURE, (Inflow(TOKEN, unlocked=16),))


LIMITS = TriggerLimits(reports_over_cap=3, pressure_window_blocks=20, blocks_without_checkpoint=10)


@pytest.fixture
def ledger() -> LedgerWorld:
    world = LedgerWorld()
    for _ in range(9):
        world.push(FAST)
    return world


def divergence(
    ledger: LedgerWorld, sizes: tuple[int, ...], is_certified: bool, is_fast: bool = True
) -> Divergence:
    role = FAST if is_fast else ZK
    values: list[Checkpoint] = []
    groups = []
    first = 0
    for size in sizes:
        value = replace(checkpoint_of(ledger.state, FAST, 4), state_root=root(f"group {first}"))
        groups.append((value, tuple(index(first + offset) for offset in range(size))))
        values.append(value)
        first += size
    return Divergence(
        GENESIS.chain(role).chain_id,
        values[0].number,
        tuple(groups),
        values[0] if is_certified else None,
    )


def reason(
    ledger: LedgerWorld,
    divergences: tuple[Divergence, ...] = (),
    refused: Refusals = Refusals(),  # a frozen value
    executed: int = 0,
) -> QuarantineReason | None:
    seen = Observations(divergences, refused, BlockNumber(executed))
    return find_reason(ledger.state, seen, LIMITS, max_faulty=1)


def test_a_calm_chain_gives_no_reason(ledger: LedgerWorld) -> None:
    assert reason(ledger, refused=Refusals(over_cap=2)) is None
    assert reason(ledger, executed=9) is None


def test_f_liars_are_tolerated_and_more_are_not(ledger: LedgerWorld) -> None:
    assert reason(ledger, (divergence(ledger, (3, 1), is_certified=True),)) is None
    assert reason(ledger, (divergence(ledger, (2, 1), is_certified=False),)) is None
    for sizes in ((2, 2), (1, 1, 1)):
        split = divergence(ledger, sizes, is_certified=False)
        assert reason(ledger, (split,)) is QuarantineReason.DIVERGENCE
    many = divergence(ledger, (5, 2), is_certified=True)
    assert reason(ledger, (many,)) is QuarantineReason.DIVERGENCE


def test_the_zk_chain_is_never_quarantined(ledger: LedgerWorld) -> None:
    split = divergence(ledger, (2, 2), is_certified=False, is_fast=False)
    assert reason(ledger, (split,)) is None


def test_refused_messages_are_pressure_on_the_caps(ledger: LedgerWorld) -> None:
    assert reason(ledger, refused=Refusals(over_cap=3)) is QuarantineReason.CAP_PRESSURE


def test_one_request_that_no_honest_chain_makes_suffices_until_a_chain_was_replayed(
    ledger: LedgerWorld,
) -> None:
    proof = Refusals(impossible=1)
    assert reason(ledger, refused=proof) is QuarantineReason.CAP_PRESSURE
    ledger.push(FAST, checkpoints=(ledger.certified(FAST, 4),))
    certified = ledger.state.fast.certified
    ledger.quarantine()
    ledger.resume(certified.number, certified.state_root)
    assert reason(ledger, refused=proof) is None
    assert reason(ledger, refused=Refusals(3, 1)) is QuarantineReason.CAP_PRESSURE


def test_a_chain_that_is_not_certified_any_more_is_stalled(ledger: LedgerWorld) -> None:
    ledger.push(FAST)
    assert reason(ledger, executed=10) is QuarantineReason.STALLED_CHECKPOINT
    ledger.push(FAST, checkpoints=(ledger.certified(FAST, 4),))
    assert reason(ledger, executed=10) is None


def test_a_node_that_has_not_executed_the_chain_itself_does_not_call_it_stalled(
    ledger: LedgerWorld,
) -> None:
    for _ in range(30):
        ledger.push(FAST)
    assert reason(ledger, executed=9) is None


def test_a_quarantine_needs_no_second_reason(ledger: LedgerWorld) -> None:
    ledger.push(FAST)
    ledger.quarantine()
    assert reason(ledger, refused=Refusals(100, 100), executed=10) is None
