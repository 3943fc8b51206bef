"""Random chains on both engines: gas, logs, receipts, roots, hashes and changes agree.

In every other chain the wasm engine gets the senders, as from the ingress. A
failure names its seed; ``DIFFERENTIAL_SEED`` starts the run at another one.
"""

import os
from dataclasses import replace

import pytest

from tests.differential.compare import Engines
from tests.differential.scenario import Scenario

FIRST_SEED = int(os.environ.get("DIFFERENTIAL_SEED", "0"))
SEED_COUNT = 40
SLOW_SEED_COUNT = 1_000
BLOCKS = 4
TRANSACTIONS_PER_BLOCK = 25

pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")


def run(seed: int) -> None:
    scenario = Scenario(seed)
    engines = Engines(scenario.spec)
    for _ in range(BLOCKS):
        block = scenario.next_block(engines.reference, TRANSACTIONS_PER_BLOCK)
        if seed % 2:
            senders = engines.wasm.recover_senders(block.transactions)
            block = replace(block, senders=tuple(senders))
        engines.execute(block, f"seed {seed}")


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEED_COUNT))
def test_a_random_chain_agrees(seed: int) -> None:
    run(seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", range(FIRST_SEED + SEED_COUNT, FIRST_SEED + SEED_COUNT + SLOW_SEED_COUNT)
)
def test_another_random_chain_agrees(seed: int) -> None:
    run(seed)
