"""The fast chain's execution in the adversary's hands: on one node, and on all of them."""

import pytest
from compromised_network import (
    DEPOSIT_WEI,
    MINT_CAP,
    PAYOUT_CAP_WEI,
    THIEVES,
    UNIT_WEI,
    compromise_all,
    forged_payout,
    forged_report,
    forged_transfer,
    honest_roots,
    open_game,
    restore_all,
    resume_from,
    wait_for_quarantine,
)
from local_network import LocalNetwork, transfer
from losses import exposure_of, taken_by, word

from bridge.exposure import ETH, Exposure, is_within_bound, realised_loss
from cluster.chaos.compromise import ForgedMessage, Forgery, compromise
from contracts.addresses import PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from ledger.types import ChainRole, EvmAddress

MOST_BLOCKS_TO_QUARANTINE = 40
"""Ledger blocks from the first forged one to the quarantine. Measured: 3 after a divergence, 4 to
5 after a request that no honest chain makes, 13 to 16 after reports past a cap, of which a ZK
block delivers one or two and it takes eight."""


async def assert_zk_chain_goes_on(network: LocalNetwork, account: int, nonce: int = 0) -> None:
    """The ZK chain finalizes a transaction, and all nodes agree on its state."""
    raw = transfer(ChainRole.ZK, account, nonce, to="0x" + "77" * 20, value_wei=1)
    before = network.balance(0, ChainRole.ZK, "0x" + "77" * 20)
    assert all(outcome.is_accepted for outcome in network.submit(0, ChainRole.ZK, [raw]))
    await network.wait_until(
        lambda: all(
            network.balance(index, ChainRole.ZK, "0x" + "77" * 20) == before + 1
            for index in network.nodes
        )
    )
    number = min(network.core(index, ChainRole.ZK).final_number for index in network.nodes)
    roots = {tuple(network.state_roots(index, ChainRole.ZK, number)) for index in network.nodes}
    assert len(roots) == 1


def assert_conserved(network: LocalNetwork) -> None:
    """The Portal and the RoundGuard own at least what they owe."""
    engine = network.core(0, ChainRole.ZK).engine
    portal, guard = engine.accounts([PORTAL_ADDRESS, ROUND_GUARD_ADDRESS])
    owed = word(engine, PORTAL_ADDRESS, "locked_wei()")
    owed += word(engine, PORTAL_ADDRESS, "claimable_total_wei()")
    assert portal.balance_wei >= owed
    open_wei = sum(entry.remaining_value for entry in exposure_of(engine).rounds)
    assert guard.balance_wei >= open_wei


def assert_within(network: LocalNetwork, bound: Exposure) -> int:
    """What the thieves hold, in wei; no more than the bound in any asset."""
    taken = taken_by(network.core(0, ChainRole.ZK).engine, THIEVES)
    assert is_within_bound(bound, taken)
    return realised_loss(taken, ETH)


async def test_a_lying_execution_on_one_node_of_four_is_named_and_changes_nothing(
    network: LocalNetwork,
) -> None:
    await network.start()
    liar = 3
    first = network.core(liar, ChainRole.FAST).head_number + 8
    drain = forged_transfer(10**9)
    compromise(
        network.core(liar, ChainRole.FAST),
        Forgery(first, {first + step: (drain,) for step in range(100)}, accent=b"alone"),
    )
    await network.wait_until(
        lambda: all(
            any(found.dissenters == (liar,) for found in network.bridges[index].desk.divergences)
            for index in range(3)
        )
    )
    await network.wait_until(
        lambda: all(
            node.final_state.fast.certified.number > first for node in network.nodes.values()
        )
    )
    state = network.nodes[0].final_state
    assert not state.quarantine.is_active
    assert state.quarantine.votes == ()
    assert network.state_root(0, ChainRole.FAST, state.fast.certified.number) == bytes(
        state.fast.certified.state_root
    )
    assert state.fast.next_message_nonce == 0
    assert network.balance(0, ChainRole.ZK, "0x" + THIEVES[0].hex()) == 0


async def test_executions_that_lie_differently_certify_nothing_and_are_cut_off_at_once(
    network: LocalNetwork,
) -> None:
    await network.start()
    await open_game(network)
    bound = exposure_of(network.core(0, ChainRole.ZK).engine)
    drain = forged_transfer(10**9)
    first = await compromise_all(
        network,
        lambda index, first: Forgery(first, {first: (drain,)}, accent=b"%d" % index),
    )
    blocks = await wait_for_quarantine(network, first)
    assert network.nodes[0].final_state.quarantine.reason == "divergent attestations"
    assert blocks <= MOST_BLOCKS_TO_QUARANTINE
    await assert_zk_chain_goes_on(network, account=5)
    assert assert_within(network, bound) == 0
    tight = exposure_of(network.core(0, ChainRole.ZK).engine).of(ETH)
    assert (tight.mintable, tight.withdrawable) == (MINT_CAP // 4 * UNIT_WEI, PAYOUT_CAP_WEI // 4)
    assert_conserved(network)


async def test_mass_reports_and_payouts_take_what_the_caps_allow_and_lead_to_a_quarantine(
    network: LocalNetwork,
) -> None:
    await network.start()
    game = await open_game(network)
    bound = exposure_of(network.core(0, ChainRole.ZK).engine)
    reports = (forged_report(game.round_id), forged_payout(game.round_id, 2**255)) * 12
    first = await compromise_all(network, lambda _, first: Forgery(first, {first: reports}))
    blocks = await wait_for_quarantine(network, first)
    assert network.nodes[0].final_state.quarantine.reason == "cap pressure"
    assert blocks <= MOST_BLOCKS_TO_QUARANTINE
    assert assert_within(network, bound) == MINT_CAP * UNIT_WEI + PAYOUT_CAP_WEI
    assert_conserved(network)
    await assert_zk_chain_goes_on(network, account=5)


async def test_a_player_recovers_the_stake_in_a_quarantine_without_a_word_of_the_fast_chain(
    network: LocalNetwork,
) -> None:
    await network.start()
    game = await open_game(network, seconds=4)
    steal = (forged_report(game.round_id), forged_payout(game.round_id, 2**255)) * 8
    await compromise_all(network, lambda _, first: Forgery(first, {first: steal}, accent=b"x"))
    for index in (0, 1, 2):
        network.nodes[index].operators.vote_quarantine(network.nodes[index].final_state, "test")
    await network.wait_until(lambda: network.nodes[0].final_state.quarantine.is_active)
    await network.wait_until(
        lambda: network.nodes[0].final_state.zk.timestamp_ms / 1000 > game.deadline_seconds + 1
    )
    before = network.balance(0, ChainRole.ZK, game.player_hex)
    await game.leave(network)
    gained = network.balance(0, ChainRole.ZK, game.player_hex) - before
    assert DEPOSIT_WEI * 9 // 10 < gained <= DEPOSIT_WEI  # Less the transaction's fee.
    assert network.nodes[0].final_state.quarantine.is_active


async def test_asking_for_more_than_is_locked_takes_what_is_locked_and_no_more(
    network: LocalNetwork,
) -> None:
    await network.start()
    bound = exposure_of(network.core(0, ChainRole.ZK).engine)
    locked = bound.of(ETH).locked
    drains = tuple(forged_transfer(locked // 4) for _ in range(6))
    first = await compromise_all(network, lambda _, first: Forgery(first, {first: drains}))
    blocks = await wait_for_quarantine(network, first)
    assert network.nodes[0].final_state.quarantine.reason == "cap pressure"
    assert blocks <= MOST_BLOCKS_TO_QUARANTINE
    assert assert_within(network, bound) == locked // 4 * 4
    assert_conserved(network)
    await assert_zk_chain_goes_on(network, account=5)


@pytest.mark.slow
async def test_a_slow_drain_under_the_caps_alarms_nobody_and_stays_within_the_bound(
    network: LocalNetwork,
) -> None:
    await network.start()
    games = [await open_game(network, account=index) for index in range(3)]
    bound = exposure_of(network.core(0, ChainRole.ZK).engine)
    trickle = bound.of(ETH).locked // 20

    def slow(_: int, first: int) -> Forgery:
        steps: dict[int, tuple[ForgedMessage, ...]] = {
            first + 4 * step: (forged_transfer(trickle),) for step in range(20)
        }
        steps |= {
            first + 2 + 4 * step: (forged_report(game.round_id, count=1),)
            for step in range(MINT_CAP)
            for game in games
        }
        return Forgery(first, steps)

    first = await compromise_all(network, slow)
    await network.wait_until(
        lambda: network.nodes[0].final_state.fast.certified.number > first + 4 * 20, seconds=90
    )
    await network.wait_until(lambda: not network.nodes[0].final_state.zk.pending)
    await assert_zk_chain_goes_on(network, account=5)
    assert not network.nodes[0].final_state.quarantine.is_active
    loss = assert_within(network, bound)
    assert loss >= trickle * 20
    assert_conserved(network)


async def test_after_forged_executions_on_all_nodes_a_replay_gives_the_honest_state(
    network: LocalNetwork,
) -> None:
    await network.start()
    raws = [transfer(ChainRole.FAST, 1, nonce, value_wei=3) for nonce in range(10)]
    network.submit(0, ChainRole.FAST, raws)
    await network.wait_until(lambda: network.nodes[0].final_state.fast.certified.number > 0)
    good = network.nodes[0].final_state.fast.certified
    drain = forged_transfer(10**9)
    rich = EvmAddress(THIEVES[1])
    first = await compromise_all(
        network, lambda _, first: Forgery(first, {first + 3: (drain,)}, credits={rich: 10**18})
    )
    await network.wait_until(
        lambda: network.balance(0, ChainRole.ZK, "0x" + THIEVES[0].hex()) == 10**9
    )
    assert network.balance(0, ChainRole.FAST, "0x" + rich.hex()) == 10**18
    forged = network.nodes[0].final_state.fast.certified
    assert forged.number > first
    for index in (0, 1, 2):
        network.nodes[index].operators.vote_quarantine(network.nodes[index].final_state, "test")
    await network.wait_until(
        lambda: all(node.final_state.quarantine.is_active for node in network.nodes.values())
    )
    restore_all(network)

    # A resume from a forged checkpoint is found out by every honest replay.
    await resume_from(network, forged)
    await network.wait_until(
        lambda: all(
            node.final_state.quarantine.is_active
            and node.final_state.quarantine.reason == "replay differs from its checkpoint"
            for node in network.nodes.values()
        )
    )
    await resume_from(network, good)
    await network.wait_for_growth(5)
    target = network.nodes[0].final_state.fast.number
    await network.wait_for_execution(ChainRole.FAST, target)
    expected = honest_roots(network, 0, target)
    for index in network.nodes:
        assert network.state_roots(index, ChainRole.FAST, target) == expected
    assert network.balance(0, ChainRole.FAST, "0x" + rich.hex()) == 0
    await network.wait_until(
        lambda: all(
            node.final_state.fast.certified.number > forged.number
            for node in network.nodes.values()
        )
    )
    certified = network.nodes[0].final_state.fast.certified
    await network.wait_for_execution(ChainRole.FAST, certified.number)
    assert network.state_root(0, ChainRole.FAST, certified.number) == bytes(certified.state_root)
