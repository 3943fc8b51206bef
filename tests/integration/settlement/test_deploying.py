"""Deployment: known addresses, resumed where it was, and a record that fits the network."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from actors.l1.settings import EngineKind
from ledger.genesis import L1Anchor
from ledger.types import EvmAddress
from settlement.deployment import (
    Deployer,
    DeploymentTerms,
    backing_wei,
    check_deployment,
    load_deployment,
    predict_rollup_address,
    save_deployment,
)
from settlement.errors import DeploymentError
from tests.integration.settlement.conftest import START_SECONDS
from tests.support.l1_harness import EmbeddedHarness, VirtualTime
from tests.support.settlement_world import (
    DEPLOYER,
    KEYS,
    SENDING,
    PartVerifier,
    SettlementWorld,
    address_of,
    balances,
    deploy,
    genesis,
    new_client,
)
from tests.support.synthetic_zk import SyntheticZk

pytestmark = pytest.mark.settlement


async def test_the_rollup_is_where_the_genesis_says_and_holds_the_backing(
    world: SettlementWorld,
) -> None:
    client = new_client(world.l1.url, world.time)
    assert world.deployment.rollup == genesis().l1.rollup
    assert await client.balance_wei(world.deployment.rollup) == backing_wei(genesis())
    before = world.deployment.start_block - 1
    assert await client.code(world.deployment.rollup, before) == b""
    assert await client.code(world.deployment.rollup, before + 1) != b""
    await client.close()


async def test_a_deployment_that_stopped_anywhere_goes_on(tmp_path: Path) -> None:
    time = VirtualTime(START_SECONDS)
    l1 = EmbeddedHarness(tmp_path / "l1", balances(), time, EngineKind.WASM)
    await l1.start()
    chain = SyntheticZk(genesis(), KEYS)
    client = new_client(l1.url, time)
    steps = 0
    while steps < 30:
        deployer = _deployer(client, time, chain)
        used = await client.nonce(address_of(DEPLOYER))
        if used == len(deployer._steps):
            break
        # One step, then the process is gone.
        await deployer._make(deployer._steps[used], used)
        steps += 1
    deployment = await _deployer(client, time, chain).run()
    assert steps == 9
    assert deployment == await _deployer(client, time, chain).run()
    await client.close()
    await l1.stop()


def _deployer(client: object, time: VirtualTime, chain: SyntheticZk) -> Deployer:
    return Deployer(
        client,  # type: ignore[arg-type]  # an L1Client
        DEPLOYER,
        genesis(),
        chain.state_root,
        chain.block_hash,
        DeploymentTerms(owner=address_of(DEPLOYER)),
        PartVerifier(),
        policy=replace(SENDING, confirmations=1),
        monotonic=time,
        sleep=time.sleep,
    )


async def test_a_deployer_that_sent_other_transactions_is_refused(tmp_path: Path) -> None:
    time = VirtualTime(START_SECONDS)
    l1 = EmbeddedHarness(tmp_path / "l1", balances(), time, EngineKind.WASM)
    await l1.start()
    chain = SyntheticZk(genesis(), KEYS)
    world = SettlementWorld(tmp_path, l1, time, None)  # type: ignore[arg-type]  # not needed
    for nonce in range(10):
        await world.send_as(DEPLOYER, nonce=nonce)
    with pytest.raises(DeploymentError, match="nonce is 10"):
        await deploy(l1, time, chain)
    await l1.stop()


def test_a_genesis_that_names_another_rollup_is_refused() -> None:
    other = replace(genesis(), l1=L1Anchor(genesis().l1.chain_id, EvmAddress(b"\x01" * 20)))
    with pytest.raises(DeploymentError, match="the genesis names the Rollup 0x0101"):
        Deployer(
            None,  # type: ignore[arg-type]  # nothing is asked of it
            DEPLOYER,
            other,
            SyntheticZk(other, KEYS).state_root,
            SyntheticZk(other, KEYS).block_hash,
            DeploymentTerms(owner=address_of(DEPLOYER)),
            PartVerifier(),
            policy=SENDING,
            monotonic=VirtualTime(),
        )


def test_the_rollups_address_depends_on_deployer_and_nonce() -> None:
    one, two = address_of(DEPLOYER), genesis().l1.rollup
    assert predict_rollup_address(one, 0) == two
    assert predict_rollup_address(one, 1) != two


async def test_the_record_comes_back_as_it_was(world: SettlementWorld, tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    save_deployment(world.deployment, path)
    assert load_deployment(path) == world.deployment
    check_deployment(world.deployment, genesis())
    other = replace(world.deployment, genesis_digest=bytes(32))
    with pytest.raises(DeploymentError, match="another network"):
        check_deployment(other, genesis())
    fields = json.loads(path.read_text())
    for name, value in [("rollup", "0x12"), ("start_block", -1), ("format", 9), ("exits", None)]:
        path.write_text(json.dumps({**fields, name: value}))
        with pytest.raises(DeploymentError, match="damaged"):
            load_deployment(path)
    path.unlink()
    with pytest.raises(DeploymentError, match="deploy the contracts first"):
        load_deployment(path)
