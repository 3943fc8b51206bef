"""A validator that missed thousands of blocks fetches and executes them, in bounded memory."""

import sys
import time

import psutil
import pytest
from local_network import LocalNetwork
from long_ledger import write_long_ledger

from actors.validator.feed import MAX_QUEUED_COMMANDS
from actors.validator.inspection import NodeInspector
from actors.validator.range_plan import WINDOW_BLOCKS
from ledger.types import ChainRole

BEHIND = 3
MAX_GROWTH_BYTES = 200 * 1024 * 1024


async def catch_up(network: LocalNetwork, blocks: int) -> None:
    write_long_ledger(network, blocks, 0, 1, 2)
    await network.start(0, 1, 2)
    for role in ChainRole:
        await network.wait_for_execution(role, blocks // 2, seconds=600)
    before = psutil.Process().memory_info().rss
    began = time.monotonic()
    await network.start(BEHIND)
    node = network.nodes[BEHIND]
    most_waiting = most_queued = most_in_tree = 0

    def has_arrived() -> bool:
        nonlocal most_waiting, most_queued, most_in_tree
        most_waiting = max(most_waiting, node.history.status()["ranges_waiting"])
        most_queued = max(most_queued, *(feed.backlog for feed in node.feeds.values()))
        most_in_tree = max(most_in_tree, len(node.tree))
        return node.archive.height >= blocks

    await network.wait_until(has_arrived, seconds=200)
    arrived = time.monotonic() - began
    for role in ChainRole:
        await network.wait_for_execution(role, blocks // 2, BEHIND, seconds=200)
    executed = time.monotonic() - began
    grown = psutil.Process().memory_info().rss - before
    sys.stdout.write(
        f"{blocks} blocks: final in {arrived:.1f} s ({blocks / arrived:.0f}/s), executed in "
        f"{executed:.1f} s ({blocks / executed:.0f}/s), {grown / 2**20:.0f} MiB more\n"
    )
    await network.wait_for_growth(5)
    assert network.digests(BEHIND, blocks) == network.digests(0, blocks)
    assert most_waiting * 64 <= WINDOW_BLOCKS
    assert most_queued <= MAX_QUEUED_COMMANDS + 2
    assert most_in_tree <= WINDOW_BLOCKS
    assert grown < MAX_GROWTH_BYTES
    status = NodeInspector(node).status()["catch_up"]
    assert status["fetched_blocks"] >= blocks - 1
    for role in ChainRole:
        assert network.state_root(BEHIND, role, blocks // 2) == network.state_root(
            0, role, blocks // 2
        )
    await network.stop(0)
    await network.wait_for_growth(5)


async def test_a_validator_that_missed_some_hundred_blocks_catches_up_and_votes(
    network: LocalNetwork,
) -> None:
    await catch_up(network, 600)


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_a_validator_that_missed_ten_thousand_blocks_catches_up_and_votes(
    network: LocalNetwork,
) -> None:
    await catch_up(network, 10_000)
