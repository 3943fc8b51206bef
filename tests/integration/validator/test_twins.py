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


async def evidence_of_twins(directory: Path, validators: int, seed: int) -> list[str]:
    """Live through a schedule; gives the kind of evidence that convicts the twins, if any does."""
    network = TwinNetwork(directory, validators, seed, timing=BRISK_VIEWS)
    try:
        await network.run_schedule()
        await network.wait_for_growth(2 * validators, *network.honest)
        convicted = network.nodes[0].final_state.convicted
        await network.assert_agreement(
            *network.honest, culprit=network.culprit if convicted else None
        )
        assert network.failures == []
        return [found["evidence"]["type"] for found in network.evidence(0)]
    finally:
        await network.close()


@pytest.mark.parametrize("validators", [4, 5])
async def test_twins_fork_nothing_and_convict_nobody_but_themselves(
    tmp_path: Path, validators: int
) -> None:
    await evidence_of_twins(tmp_path, validators, seed=1)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("validators", [4, 5])
async def test_no_schedule_of_twins_forks_the_ledger_and_most_convict_them(
    tmp_path: Path, validators: int
) -> None:
    """Evidence needs two votes that meet at one honest validator, so not every schedule has it."""
    kinds: Counter[str] = Counter()
    for seed in SEEDS:
        try:
            kinds.update(await evidence_of_twins(tmp_path / str(seed), validators, seed))
        except BaseException as error:
            error.add_note(f"twins of {validators} validators, seed {seed}")
            raise
    sys.stdout.write(
        f"\n{validators} validators, {len(SEEDS)} schedules: twins convicted by {dict(kinds)}\n"
    )
    assert kinds.total() > len(SEEDS) // 2
