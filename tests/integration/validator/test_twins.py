"""One validator's key on two machines at once, on real libp2p and real disks: no fork, ever.

Each schedule is drawn from its seed: who of the honest talks to which twin, in six phases, and
whether the two groups hear each other. A seed that fails gives the same phases again.
"""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from local_network import QUICK
from twin_network import TwinNetwork

BRISK_VIEWS = replace(QUICK, delta_ms=80)
SEEDS = range(1, 26)
kinds: Counter[str] = Counter()


async def run(directory: Path, validators: int, seed: int) -> None:
    network = TwinNetwork(directory, validators, seed, timing=BRISK_VIEWS)
    try:
        await network.run_schedule()
        await network.wait_for_growth(2 * validators, *network.honest)
        convicted = network.nodes[0].final_state.convicted
        await network.assert_agreement(
            *network.honest, culprit=network.culprit if convicted else None
        )
        kinds.update(found["evidence"]["type"] for found in network.evidence(0))
        assert network.failures == [], f"seed {seed}"
    finally:
        await network.close()


@pytest.mark.parametrize("validators", [4, 5])
async def test_twins_fork_nothing_and_convict_nobody_but_themselves(
    tmp_path: Path, validators: int
) -> None:
    await run(tmp_path, validators, seed=1)


@pytest.mark.chaos
@pytest.mark.parametrize("validators", [4, 5])
@pytest.mark.parametrize("seed", SEEDS)
async def test_no_schedule_of_twins_forks_the_ledger(
    tmp_path: Path, validators: int, seed: int
) -> None:
    await run(tmp_path, validators, seed)


@pytest.mark.chaos
def test_most_twins_are_found_out() -> None:
    """Behind the schedules: evidence needs two votes to meet at one honest validator."""
    sys.stdout.write(f"\ntwins convicted: {dict(kinds)} of {2 * len(SEEDS)} schedules\n")
    assert kinds.total() > len(SEEDS)
