"""A seeded adversary looks for a schedule that takes more than the loss bound."""

import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from attack_moves import MOVES, leave_all
from attack_world import AttackWorld, BooksWrong, Stage

from bridge.exposure import ETH
from contracts.addresses import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.build import compile_source, source_path

MOST_STEPS = 30
SCHEDULES_TO_A_HOLE = 300
QUICK_SCHEDULES = 120
MANY_SCHEDULES = int(os.environ.get("BRAID_ATTACK_SCHEDULES", "5000"))


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
        counts["schedules with a loss"] += any(taken.values())
        limit = world.bound[ETH] + world.added.get(ETH, 0)
        counts["schedules that took nine tenths of the bound"] += taken[ETH] * 10 >= limit * 9
    return counts


def test_no_schedule_of_attacks_takes_more_than_the_bound(stage: Stage) -> None:
    counts = search(stage, 0, QUICK_SCHEDULES)
    assert counts["schedules with a loss"] > QUICK_SCHEDULES // 3


HOLES = {
    "mints are not counted": (
        "RoundGuard",
        "self.rounds[round_id].remaining_mints -= granted",
        "pass",
    ),
    "payouts are not counted": (
        "RoundGuard",
        "self.rounds[round_id].remaining_value_wei = remaining_wei",
        "pass",
    ),
    "payouts stay in the exposure": (
        "RoundGuard",
        "self.total_exposure_wei -= granted_wei",
        "pass",
    ),
    "a stake is paid back twice": (
        "RoundGuard",
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
"""A contract, one of its lines, and what takes that line out of effect."""
ADDRESSES = {
    "RoundGuard": ROUND_GUARD_ADDRESS,
    "Portal": PORTAL_ADDRESS,
    "BridgedTokens": BRIDGED_TOKENS_ADDRESS,
}


@pytest.mark.chaos
@pytest.mark.parametrize("hole", HOLES)
def test_the_search_finds_a_hole_in_the_predeploys(hole: str, tmp_path: Path) -> None:
    contract, line, instead = HOLES[hole]
    text = source_path(contract).read_text()
    assert text.count(line) == 1
    broken = tmp_path / f"{contract}.vy"
    broken.write_text(text.replace(line, instead))
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
