"""A seeded adversary looks for a schedule that takes more than the loss bound."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from attack_moves import MOVES, leave_all
from attack_world import AttackWorld, BooksWrong, Stage

from bridge import tightening
from bridge.exposure import ETH
from contracts.addresses import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.build import SOURCE_FOLDER, compile_source

MOST_STEPS = 30
SCHEDULES_TO_A_HOLE = 300
QUICK_SCHEDULES = 120
MANY_SCHEDULES = int(os.environ.get("BRAID_ATTACK_SCHEDULES", "5000"))


@pytest.fixture(scope="module", autouse=True)
def few_clean_blocks() -> Iterator[None]:
    """Caps relax within a schedule: after 8 clean blocks in place of thousands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tightening, "CLEAN_BLOCKS_TO_RELAX", 8)
        yield


@pytest.fixture(scope="module")
def stage() -> Stage:
    """One chain for all schedules: each begins with a rollback to the same state."""
    return Stage()


def play(stage: Stage, seed: int) -> AttackWorld:
    """Play one schedule; what breaks names its seed and its steps."""
    random = Random(seed)
    world = stage.new_world()
    moves = [move for weight, move in MOVES for _ in range(weight)]
    played: list[str] = []
    try:
        for _ in range(random.randrange(5, MOST_STEPS)):
            move = random.choice(moves)
            played.append(move.__name__)
            move(world, random)
        leave_all(world)
    except BooksWrong as error:
        raise BooksWrong(f"seed {seed}, after {', '.join(played)}: {error}") from error
    return world


def search(stage: Stage, first_seed: int, count: int) -> Counter[str]:
    """Play schedules, and count what happened in them."""
    counts: Counter[str] = Counter()
    for seed in range(first_seed, first_seed + count):
        world = play(stage, seed)
        taken = world.taken()
        counts["schedules"] += 1
        counts["zk blocks"] += world.blocks
        counts["forged messages"] += world.messages
        counts["checkpoints refused"] += world.rejected
        counts["quarantines"] += world.ledger.state.quarantine.sequence
        counts["tightenings"] += world.tightenings
        counts["schedules with tightened caps"] += world.tightenings > 0
        counts["schedules with a loss"] += any(taken.values())
        limit = world.bound[ETH] + world.added.get(ETH, 0)
        counts["schedules that took nine tenths of the bound"] += taken[ETH] * 10 >= limit * 9
    return counts


def test_no_schedule_of_attacks_takes_more_than_the_bound(stage: Stage) -> None:
    counts = search(stage, 0, QUICK_SCHEDULES)
    assert counts["schedules with a loss"] > QUICK_SCHEDULES // 3
    assert counts["schedules with tightened caps"] > QUICK_SCHEDULES // 3


HOLES = {
    "mints are not counted": (
        "round_caps",
        "self._rounds[round_id].remaining_mints -= granted",
        "pass",
    ),
    "payouts are not counted": (
        "round_caps",
        "self._rounds[round_id].remaining_value_wei -= granted_wei",
        "pass",
    ),
    "payouts stay in the exposure": (
        "round_caps",
        "self._total_exposure_wei -= granted_wei",
        "pass",
    ),
    "rounds take no halving": (
        "round_caps",
        "if has_settled or not self._rounds[round_id].is_open:",
        "if True:",
    ),
    "the sum takes no halving": (
        "round_caps",
        "self._total_exposure_wei = self._total_exposure_wei >> more",
        "pass",
    ),
    "relaxing gives open rounds their caps back": (
        "round_caps",
        "log CapsRelaxed(cap_halvings=cap_halvings)",
        "self._halvings_ever -= previous - cap_halvings",
    ),
    "a halved deposit is given back whole": (
        "round_caps",
        "+= value_wei - kept_wei",
        "+= value_wei",
    ),
    "anybody sets the halvings": (
        "round_caps",
        'assert msg.sender == predeploys.SYSTEM, "round guard: caller is not the system"',
        "pass",
    ),
    "a stake is paid back twice": (
        "round_sessions",
        "self.sessions[round_id][msg.sender] = empty(Session)",
        "pass",
    ),
    "more leaves than is locked": (
        "Portal",
        "if not self.is_asset_side or value_wei <= self.locked_wei:",
        "if True:",
    ),
    "what leaves stays locked": (
        "Portal",
        "if self.is_asset_side:\n            self.locked_wei -= value_wei\n        is_success",
        "is_success",
    ),
    "the fast chain speaks for the Rollup": (
        "BridgedTokens",
        "self._require_message(l1_chain, self.rollup)",
        "pass",
    ),
}
"""A Vyper module, one of its lines, and what takes that line out of effect."""
PREDEPLOYS = {"round_caps": "RoundGuard", "round_sessions": "RoundGuard"}
"""Predeploys of the modules that are none themselves."""
ADDRESSES = {
    "RoundGuard": ROUND_GUARD_ADDRESS,
    "Portal": PORTAL_ADDRESS,
    "BridgedTokens": BRIDGED_TOKENS_ADDRESS,
}


@pytest.mark.chaos
@pytest.mark.parametrize("hole", HOLES)
def test_the_search_finds_a_hole_in_the_predeploys(hole: str, tmp_path: Path) -> None:
    module, line, instead = HOLES[hole]
    contract = PREDEPLOYS.get(module, module)
    sources = Path(shutil.copytree(SOURCE_FOLDER, tmp_path / "src"))
    source = sources / f"{module}.vy"
    text = source.read_text()
    assert text.count(line) == 1
    source.write_text(text.replace(line, instead))
    broken = sources / f"{contract}.vy"
    code = bytes.fromhex(compile_source(broken)["runtime_bytecode"].removeprefix("0x"))
    stage = Stage({ADDRESSES[contract]: code})
    with pytest.raises(BooksWrong):
        search(stage, 0, SCHEDULES_TO_A_HOLE)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_no_schedule_of_very_many_takes_more_than_the_bound(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = search(stage, 1_000_000, MANY_SCHEDULES)
    with capsys.disabled():
        print(f"\nattack schedules: {dict(counts)}")  # noqa: T201  # the count is the result
    assert counts["schedules"] == MANY_SCHEDULES
