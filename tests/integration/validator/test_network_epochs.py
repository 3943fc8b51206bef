"""The validator set changes in running networks: keys replaced, nodes added and removed."""

from pathlib import Path

import pytest
from ledger_disk import audit
from local_network import LocalNetwork, transfer

from bridge.errors import InvalidSetChange, UnknownChange
from bridge.membership import MIN_NOTICE_BLOCKS
from ledger.epochs import follow_epochs
from ledger.keys import ValidatorKeys
from ledger.membership import Newcomer, Replacement, ValidatorSetChange, change_digest
from ledger.types import ChainRole, Height, ValidatorIndex

FAST = ChainRole.FAST
SPARE = 4
"""The machine that is no validator of the genesis."""


def newcomer(network: LocalNetwork, keys: ValidatorKeys, name: str) -> Newcomer:
    digest = network.nodes[0].validators.digest
    return keys.newcomer(digest, name, "127.0.0.1:4000")


def change_of(
    network: LocalNetwork,
    removed: tuple[int, ...] = (),
    replaced: dict[int, Newcomer] | None = None,
    added: tuple[Newcomer, ...] = (),
) -> ValidatorSetChange:
    """A change that begins as soon as it may."""
    height = max(node.archive.height for node in network.nodes.values())
    return ValidatorSetChange(
        epoch=network.nodes[0].epoch,
        first_height=Height(height + MIN_NOTICE_BLOCKS + 20),
        removed=tuple(map(ValidatorIndex, removed)),
        replaced=tuple(
            Replacement(ValidatorIndex(index), entry) for index, entry in (replaced or {}).items()
        ),
        added=added,
    )


async def start(network: LocalNetwork) -> None:
    """Start the nodes of the genesis; later none takes an empty journal for a new validator's."""
    await network.start(0, 1, 2, 3)
    await network.wait_for_height(3)
    network.asking.update((0, 1, 2, 3, SPARE))


async def wait_until_it_votes(network: LocalNetwork, machine: int) -> None:
    """Wait until a node knows that it may vote."""
    node = network.nodes[machine]
    await network.wait_until(lambda: node.driver.state.votes_from is not None)
    from_view = node.driver.state.votes_from
    await network.wait_until(lambda: node.view >= from_view)


async def vote_in(network: LocalNetwork, change: ValidatorSetChange, *machines: int) -> None:
    """One operator proposes, the others vote; wait until it is decided."""
    first, *others = (network.nodes[machine] for machine in machines)
    first.operators.propose_change(first.final_state, change, first.validators)
    for node in others:
        await network.wait_until(lambda node=node: bool(node.final_state.membership.open_changes))
        node.operators.vote_change(node.final_state, change_digest(change), node.validators)
    await network.wait_until(lambda: change in first.final_state.membership.decided)


async def wait_for_epoch(network: LocalNetwork, epoch: int, *machines: int) -> None:
    await network.wait_until(
        lambda: all(network.nodes[machine].epoch == epoch for machine in machines)
    )


def agree(network: LocalNetwork, *machines: int) -> None:
    height = network.height(*machines)
    assert len({tuple(network.digests(machine, height)) for machine in machines}) == 1


@pytest.fixture
async def network(tmp_path: Path):
    made = LocalNetwork(tmp_path, spare=1)
    yield made
    await made.stop()


@pytest.mark.slow
async def test_a_validator_s_keys_are_replaced_and_it_goes_on_with_the_new_ones(
    network: LocalNetwork,
) -> None:
    await start(network)
    rotated = ValidatorKeys(bytes([77]) * 32)
    network.keyrings[2].append(rotated)
    change = change_of(network, replaced={2: newcomer(network, rotated, "v2")})
    await vote_in(network, change, 0, 1, 3)
    await wait_for_epoch(network, 1, 0, 1, 2, 3)
    node = network.nodes[2]
    assert node.index == 2
    assert node.validators.members[2].entry.consensus_key == rotated.consensus.public_key
    certified = node.final_state.chain(FAST).certified.number
    await network.stop(0)  # Now each vote of the new keys is needed.
    await network.wait_for_growth(20)
    await network.wait_until(lambda: node.final_state.chain(FAST).certified.number > certified + 2)
    agree(network, 1, 2, 3)
    await network.stop()
    for index in range(4):
        assert audit(network.node_directory(index), network.genesis).epoch == 1


async def test_a_validator_makes_way_for_one_that_starts_with_an_empty_disk(
    network: LocalNetwork,
) -> None:
    await start(network)
    joining = newcomer(network, network.keys[SPARE], "new")
    await vote_in(network, change_of(network, replaced={1: joining}), 0, 2, 3)
    await wait_for_epoch(network, 1, 0, 1, 2, 3)
    removed = network.nodes[1]
    assert not removed.is_validator
    await network.start(SPARE)
    assert not network.nodes[SPARE].is_validator
    await wait_for_epoch(network, 1, SPARE)
    assert network.nodes[SPARE].index == 1
    await wait_until_it_votes(network, SPARE)
    await network.stop(0)  # Now each vote of the newcomer is needed.
    await network.wait_for_growth(20, 2, 3, SPARE)
    agree(network, 2, 3, SPARE)
    assert removed.archive.height < network.height(2, 3, SPARE)


@pytest.mark.slow
async def test_a_network_grows_to_five_and_shrinks_to_four(network: LocalNetwork) -> None:
    await start(network)
    joining = newcomer(network, network.keys[SPARE], "new")
    await vote_in(network, change_of(network, added=(joining,)), 0, 1, 2)
    await wait_for_epoch(network, 1, 0, 1, 2, 3)
    await network.start(SPARE)
    await wait_for_epoch(network, 1, SPARE)
    await wait_until_it_votes(network, SPARE)
    await vote_in(network, change_of(network, removed=(0,)), 1, 2, 3, SPARE)
    staying = (1, 2, 3, SPARE)
    await wait_for_epoch(network, 2, *staying)
    assert [network.nodes[machine].index for machine in staying] == [0, 1, 2, 3]
    await network.wait_until(lambda: not network.nodes[0].is_validator)
    await network.wait_for_growth(10, *staying)
    agree(network, *staying)
    archive = network.nodes[2].archive
    validators = follow_epochs(network.genesis, archive.epoch_changes())
    assert validators.epoch == 2
    assert validators.members == network.nodes[2].validators.members


async def test_a_validator_that_was_away_at_the_boundary_is_led_over_it(
    network: LocalNetwork,
) -> None:
    await start(network)
    rotated = ValidatorKeys(bytes([77]) * 32)
    network.keyrings[0].append(rotated)
    change = change_of(network, replaced={0: newcomer(network, rotated, "v0")})
    await vote_in(network, change, 0, 1, 2)
    await network.kill(3)
    await wait_for_epoch(network, 1, 0, 1, 2)
    await network.wait_for_growth(10)
    await network.start(3)
    assert network.nodes[3].epoch == 0
    await wait_for_epoch(network, 1, 3)
    await network.wait_for_growth(5)
    agree(network, 0, 1, 2, 3)


@pytest.mark.slow
async def test_all_nodes_are_killed_right_after_the_boundary_and_go_on(
    network: LocalNetwork,
) -> None:
    await start(network)
    rotated = ValidatorKeys(bytes([77]) * 32)
    network.keyrings[3].append(rotated)
    change = change_of(network, replaced={3: newcomer(network, rotated, "v3")})
    await vote_in(network, change, 0, 1, 2)
    await wait_for_epoch(network, 1, 0)
    await network.kill()
    await network.start(0, 1, 2, 3)
    await wait_for_epoch(network, 1, 0, 1, 2, 3)
    await network.wait_for_growth(5)
    agree(network, 0, 1, 2, 3)


async def test_transactions_that_wait_survive_the_boundary(network: LocalNetwork) -> None:
    await start(network)
    rotated = ValidatorKeys(bytes([77]) * 32)
    network.keyrings[3].append(rotated)
    change = change_of(network, replaced={3: newcomer(network, rotated, "v3")})
    await vote_in(network, change, 0, 1, 2)
    target = "0x" + "11" * 20
    behind_a_gap = transfer(FAST, 0, 1, to=target, value_wei=7)
    (outcome,) = network.submit(0, FAST, [behind_a_gap])
    assert outcome.is_accepted
    await wait_for_epoch(network, 1, 0, 1, 2, 3)
    await network.wait_for_growth(3)
    network.submit(0, FAST, [transfer(FAST, 0, 0, to=target, value_wei=5)])
    await network.wait_until(lambda: network.balance(1, FAST, target) == 12)


async def test_a_change_that_the_ledger_would_not_take_is_refused_at_once(
    network: LocalNetwork,
) -> None:
    await start(network)
    node = network.nodes[0]
    with pytest.raises(InvalidSetChange, match="3 validators after it"):
        node.operators.propose_change(
            node.final_state, change_of(network, removed=(0,)), node.validators
        )
    with pytest.raises(UnknownChange):
        node.operators.vote_change(node.final_state, bytes(32), node.validators)
    assert node.operators.votes() == []
