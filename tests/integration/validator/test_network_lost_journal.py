"""Nodes whose journal was lost ask before they vote; new ones need not."""

import shutil

from local_network import LocalNetwork

from actors.validator.inspection import NodeInspector
from actors.validator.vote_journal import found_journal


def votes_from(network: LocalNetwork, index: int) -> int | None:
    found: int | None = NodeInspector(network.nodes[index]).status()["voting"]["from_view"]
    return found


async def test_a_node_without_its_journal_votes_again_in_later_views_only(
    network: LocalNetwork,
) -> None:
    await network.start()
    await network.wait_for_height(10)
    last_view = network.nodes[3].view
    await network.stop(3)
    shutil.rmtree(network.node_directory(3) / "journal")
    await network.wait_for_growth(5, 0, 1, 2)

    network.asking = {3}
    await network.start(3)
    await network.wait_until(lambda: votes_from(network, 3) is not None)
    first_view = votes_from(network, 3)
    assert first_view is not None
    assert first_view > last_view
    await network.wait_until(lambda: network.nodes[3].view >= first_view)
    # With one of the others away, no block is final without its vote.
    await network.stop(0)
    await network.wait_for_growth(10)
    assert network.nodes[1].final_state.convicted == ()

    await network.stop(3)
    network.asking = set()
    await network.start(3)
    assert votes_from(network, 3) == first_view, "the promise outlives a restart"


async def test_while_too_few_answer_it_casts_no_vote(network: LocalNetwork) -> None:
    await network.start()
    await network.wait_for_height(10)
    await network.stop()
    shutil.rmtree(network.node_directory(3) / "journal")

    network.asking = {3}
    await network.start(0, 1, 3)
    await network.wait_until(
        lambda: NodeInspector(network.nodes[3]).status()["voting"]["answers"] == 2
    )
    height = network.height(0, 1)
    assert votes_from(network, 3) is None
    await network.start(2)
    await network.wait_for_growth(10)
    assert network.height(0, 1) > height
    assert network.nodes[0].final_state.convicted == ()


async def test_new_validators_do_not_wait_for_each_other(network: LocalNetwork) -> None:
    for index in range(network.count):
        found_journal(network.node_directory(index) / "journal", network.genesis.epoch)
    network.asking = set(range(network.count))
    await network.start()
    await network.wait_for_height(10)


async def test_validators_that_have_all_lost_their_journals_do_not_begin(
    network: LocalNetwork,
) -> None:
    network.asking = set(range(network.count))
    await network.start()
    states = [node.driver.state for node in network.nodes.values()]
    first_asked_ms = [state.ask_deadline_ms for state in states]
    await network.wait_until(
        lambda: all(
            state.ask_deadline_ms != first
            for state, first in zip(states, first_asked_ms, strict=True)
        )
    )
    assert [votes_from(network, index) for index in range(network.count)] == [None] * network.count
    assert [state.reached for state in states] == [{}] * network.count
