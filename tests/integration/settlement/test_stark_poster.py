"""A real proof gets into the real verifier on L1, step by step; a small machine's, for speed."""

import pytest

from contracts.l1.deployment import created_address
from contracts.verifier.calls import cut
from execution.types import Address
from proving.stark.codec import encode
from proving.stark.prover import prove
from settlement.interfaces import SegmentProof
from settlement.l1.account import Call
from settlement.verifier import StarkPoster, StarkVerifierContracts, digest_words
from tests.support.settlement_world import Node, SettlementWorld
from tests.support.toy_settlement import settled_key, settled_traces

pytestmark = pytest.mark.settlement

STATEMENT = b"what the toy machine states".ljust(64, b"\0")
SMALL_CALLS = 2_600


@pytest.fixture(scope="module")
def proof() -> SegmentProof:
    words = digest_words(STATEMENT)
    proved, _ = prove(settled_key(), settled_traces(words), words)
    return SegmentProof(STATEMENT, encode(proved))


async def deploy_verifier(world: SettlementWorld, node: Node) -> Address:
    """The verifier, by transactions of the node's own key."""
    contracts = StarkVerifierContracts(settled_key().verifying_key)
    first = await node.client.nonce(node.sender.address)
    codes = contracts.init_codes(lambda index: created_address(node.sender.address, first + index))
    await node.sender.observe()
    for code in codes:
        await node.sender.ensure([Call(None, code, 16_000_000, "deploy")])
    await world.next_block(4)
    await node.sender.observe()
    assert node.sender.status.reverted == 0
    return created_address(node.sender.address, first + len(codes) - 1)


async def test_a_proof_is_verified_step_by_step(
    world: SettlementWorld, proof: SegmentProof
) -> None:
    node = world.start_node()
    address = await deploy_verifier(world, node)
    poster = StarkPoster(settled_key().verifying_key, SMALL_CALLS)
    calls = await poster.remaining_calls(proof, address, node.client)
    assert len(calls) > 3
    for _ in range(20):
        await node.sender.observe()
        left = await poster.remaining_calls(proof, address, node.client)
        if not left:
            break
        assert await node.pipeline.make(left) is None
        await world.next_block()
    assert await poster.remaining_calls(proof, address, node.client) == []
    assert node.sender.status.reverted == 0


async def test_where_somebody_else_left_off_the_rest_is_cut_anew(
    world: SettlementWorld, proof: SegmentProof
) -> None:
    node = world.start_node()
    address = await deploy_verifier(world, node)
    key = settled_key().verifying_key
    theirs = cut(key, proof.proof, digest_words(STATEMENT), SMALL_CALLS)
    ours = StarkPoster(key)
    assert len(await ours.remaining_calls(proof, address, node.client)) < len(theirs.calls)
    done = theirs.calls[:-1]
    await node.sender.observe()
    await node.sender.ensure(
        [Call(address, step.data, 16_000_000, "somebody else's step") for step in done]
    )
    await world.next_block(4)
    await node.sender.observe()
    (last,) = await ours.remaining_calls(proof, address, node.client)
    assert f"query {theirs.calls[-1].first} to" in last.purpose
    await node.sender.observe()
    assert await node.pipeline.make([last]) is None
    await world.next_block(4)
    await node.sender.observe()
    assert await ours.remaining_calls(proof, address, node.client) == []
    assert node.sender.status.reverted == 0
