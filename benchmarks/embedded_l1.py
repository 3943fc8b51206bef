"""The two engines of the embedded L1: how long the deployment of all contracts takes on each.

    python -m benchmarks.embedded_l1

It holds what settlement is made of: BLS pairings, keccak, contracts of 24 KB, big call data.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from random import Random

import rlp
from eth_account import Account

from actors.l1.server import start_embedded_l1
from actors.l1.settings import L1_CHAIN_ID, EngineKind, L1Settings
from actors.settlement.deploying import verifying_key
from cluster.dev_genesis import dev_genesis
from cluster.l1_founding import address_of
from execution.engine import WasmEngine
from execution.genesis import chain_spec
from execution.types import Hash32
from ledger.genesis import Genesis, L1Anchor
from ledger.keys import ValidatorKeys
from ledger.types import ChainRole, EvmAddress, TimestampMs
from settlement.deployment import (
    Deployer,
    DeploymentTerms,
    backing_wei,
    predict_rollup_address,
)
from settlement.l1.account import AccountPolicy
from settlement.l1.client import L1Client
from settlement.l1.provider import BoundedHttpProvider
from settlement.verifier import StarkVerifierContracts

DEPLOYER_KEY = b"\x11" * 32
VALIDATORS = 4
STATE_ROOT_FIELD = 3
GENESIS_TIME_MS = TimestampMs(1_800_000_000_000)


def new_genesis() -> Genesis:
    """A development network that settles."""
    keys = [ValidatorKeys(bytes([index]) * 32) for index in range(VALIDATORS)]
    rollup = EvmAddress(predict_rollup_address(address_of(DEPLOYER_KEY)))
    return dev_genesis(keys, GENESIS_TIME_MS, L1Anchor(L1_CHAIN_ID, rollup))


async def measure(kind: EngineKind, directory: Path) -> tuple[float, float, int]:
    """Seconds of wall clock and of processor that a deployment takes, and its gas."""
    genesis = new_genesis()
    deployer = address_of(DEPLOYER_KEY)
    balances = {deployer: backing_wei(genesis) + 1_000 * 10**18}
    l1 = await start_embedded_l1(directory, L1Settings(balances_wei=balances, engine=kind))
    client = L1Client(BoundedHttpProvider(l1.url, timeout_seconds=120.0), Random(1))
    zk = WasmEngine(chain_spec(genesis, ChainRole.ZK))
    deployment = Deployer(
        client,
        Account.from_key(DEPLOYER_KEY),
        genesis,
        Hash32(rlp.decode(zk.head_header_rlp)[STATE_ROOT_FIELD]),
        zk.head_hash,
        DeploymentTerms(owner=deployer),
        StarkVerifierContracts(verifying_key("fast")),
        policy=AccountPolicy(confirmations=1),
        monotonic=time.monotonic,
        poll_seconds=0.005,
    )
    wall, processor = time.monotonic(), time.process_time()
    await deployment.run()
    seconds = time.monotonic() - wall, time.process_time() - processor
    gas = 0
    for number in range(1, await client.block_number() + 1):
        block = await client.request("eth_getBlockByNumber", hex(number), False)
        gas += int(block["gasUsed"], 16)
    await client.close()
    await l1.stop()
    return *seconds, gas


def main() -> None:
    """Measure both and print a line for each."""
    for kind in EngineKind:
        with tempfile.TemporaryDirectory() as directory:
            wall, processor, gas = asyncio.run(measure(kind, Path(directory)))
        print(f"{kind.value:8} {wall:6.1f} s wall, {processor:6.1f} s processor, {gas:,} gas")


if __name__ == "__main__":
    main()
