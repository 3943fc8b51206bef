"""Settlement on a real L1 with the real contracts, one node or several, in virtual time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount

from actors.l1.settings import L1_CHAIN_ID
from cluster.dev_genesis import dev_genesis
from contracts.build import compile_source
from contracts.l1.deployment import created_address
from execution.types import Address
from ledger.genesis import Genesis, L1Anchor
from ledger.hashing import keccak
from ledger.keys import ValidatorKeys
from ledger.types import EvmAddress, TimestampMs
from settlement.batching import BatchPolicy
from settlement.deployment import (
    Deployer,
    Deployment,
    DeploymentTerms,
    backing_wei,
    predict_rollup_address,
)
from settlement.journal import SettlementJournal
from settlement.l1.account import AccountPolicy
from settlement.l1.client import L1Client
from settlement.l1.fees import FeePolicy
from settlement.l1.provider import BoundedHttpProvider
from settlement.l1.sender import TransactionSender
from settlement.l1.watcher import L1Watcher, WatcherSettings
from settlement.pipeline.pipeline import PipelineStatus, SettlementPipeline
from settlement.pipeline.views import BatchReader
from tests.support.l1_harness import EmbeddedHarness, L1Harness, VirtualTime
from tests.support.synthetic_zk import PartPoster, SyntheticProver, SyntheticZk

ETHER = 10**18
GWEI = 10**9
CONFIRMATIONS = 4
BLOCK_SECONDS = 12.0
_VERIFIER_CHANGE = 1

DEPLOYER: LocalAccount = Account.from_key(keccak(b"deployer"))
POSTERS: tuple[LocalAccount, ...] = tuple(
    Account.from_key(keccak(b"poster %d" % index)) for index in range(2)
)
USER: LocalAccount = Account.from_key(keccak(b"user"))
KEYS = [ValidatorKeys(bytes([index]) * 32) for index in range(4)]

BATCHES = BatchPolicy(max_age_seconds=30.0, max_empty_age_seconds=600.0)
SENDING = AccountPolicy(
    confirmations=CONFIRMATIONS,
    fees=FeePolicy(max_fee_limit_wei=200 * GWEI),
    resend_after_seconds=3 * BLOCK_SECONDS,
    bump_after_seconds=4 * BLOCK_SECONDS,
)


def address_of(account: LocalAccount) -> Address:
    return Address(bytes.fromhex(account.address[2:]))


@cache
def genesis() -> Genesis:
    """A development network whose Rollup the deployer makes."""
    rollup = EvmAddress(predict_rollup_address(address_of(DEPLOYER)))
    return dev_genesis(KEYS, TimestampMs(1_800_000_000_000), L1Anchor(L1_CHAIN_ID, rollup))


def balances() -> dict[Address, int]:
    """Who has what on L1."""
    accounts = {address_of(account): 10_000 * ETHER for account in (*POSTERS, USER)}
    accounts[address_of(DEPLOYER)] = backing_wei(genesis()) + 1_000 * ETHER
    return accounts


def terms() -> DeploymentTerms:
    """What the Rollup holds itself to."""
    return DeploymentTerms(owner=address_of(DEPLOYER))


class PartVerifier:
    """The test's verifier, as a deployment takes it."""

    def init_codes(self, place: Callable[[int], Address]) -> Sequence[bytes]:
        return [_part_verifier_code()]


@cache
def _part_verifier_code() -> bytes:
    compiled = compile_source(Path(__file__).parent / "part_verifier.vy")
    return bytes.fromhex(compiled["bytecode"].removeprefix("0x"))


def new_client(url: str, time: VirtualTime, seed: int = 7) -> L1Client:
    provider = BoundedHttpProvider(url, timeout_seconds=20.0)
    return L1Client(provider, Random(seed), sleep=time.sleep)


async def deploy(l1: L1Harness, time: VirtualTime, chain: SyntheticZk) -> Deployment:
    """All contracts, on an L1 that makes a block of each transaction."""
    client = new_client(l1.url, time)
    try:
        return await Deployer(
            client,
            DEPLOYER,
            genesis(),
            chain.state_root,
            chain.block_hash,
            terms(),
            PartVerifier(),
            policy=replace(SENDING, confirmations=1),
            monotonic=time,
            sleep=time.sleep,
        ).run()
    finally:
        await client.close()


class Crash(Exception):
    """The process is killed here."""


@dataclass
class CrashPlan:
    """Kill at the n-th point: before or after a record is on disk, before or after a send."""

    kill_at: int | None = None
    points: int = 0

    def point(self) -> None:
        self.points += 1
        if self.points == self.kill_at:
            raise Crash


class CrashingJournal(SettlementJournal):
    """A journal whose process dies beside a write."""

    crashes: CrashPlan

    def append(self, record: Any) -> None:
        self.crashes.point()
        super().append(record)
        self.crashes.point()


class CrashingClient(L1Client):
    """A client whose process dies beside a send."""

    crashes: CrashPlan
    sent: list[bytes]

    async def send(self, raw: bytes) -> Any:
        self.crashes.point()
        result = await super().send(raw)
        self.sent.append(raw)
        self.crashes.point()
        return result


class Node:
    """One node's settlement; its directory outlives it."""

    def __init__(
        self,
        directory: Path,
        url: str,
        deployment: Deployment,
        chain: SyntheticZk,
        prover: SyntheticProver,
        time: VirtualTime,
        *,
        signer: LocalAccount = POSTERS[0],
        crashes: CrashPlan | None = None,
        batches: BatchPolicy = BATCHES,
        sending: AccountPolicy = SENDING,
    ) -> None:
        crashes = crashes or CrashPlan()
        self.client = CrashingClient(
            BoundedHttpProvider(url, timeout_seconds=20.0), Random(7), sleep=time.sleep
        )
        self.client.crashes, self.client.sent = crashes, []
        self.journal = CrashingJournal(directory)
        self.journal.crashes = crashes
        self.watcher = L1Watcher(
            self.client,
            WatcherSettings(
                deployment.rollup, deployment.l1_chain_id, deployment.start_block, CONFIRMATIONS
            ),
        )
        self.sender = TransactionSender(
            self.client, signer, deployment.l1_chain_id, sending, self.journal, time
        )
        self.reader = BatchReader(
            self.client,
            deployment.rollup,
            self.watcher,
            chain,
            prover,
            PartPoster(),
        )
        self.pipeline = SettlementPipeline(
            client=self.client,
            watcher=self.watcher,
            sender=self.sender,
            journal=self.journal,
            blocks=chain,
            jobs=prover,
            reader=self.reader,
            rollup_address=deployment.rollup,
            policy=batches,
            clock=time,
        )

    async def tick(self) -> PipelineStatus:
        return await self.pipeline.tick()

    async def close(self) -> None:
        self.journal.close()
        await self.client.close()


class SettlementWorld:
    """An L1 with the contracts, a ZK chain, and the nodes that settle it."""

    def __init__(
        self, directory: Path, l1: L1Harness, time: VirtualTime, deployment: Deployment
    ) -> None:
        self.directory = directory
        self.l1 = l1
        self.time = time
        self.deployment = deployment
        self.chain = SyntheticZk(genesis(), KEYS)
        self.prover = SyntheticProver(self.chain)
        self.nodes: list[Node] = []

    def start_node(self, name: str = "node", **options: Any) -> Node:
        node = Node(
            self.directory / name,
            self.l1.url,
            self.deployment,
            self.chain,
            self.prover,
            self.time,
            **options,
        )
        self.nodes.append(node)
        return node

    async def kill(self, node: Node) -> None:
        self.nodes.remove(node)
        await node.close()

    def add_blocks(self, count: int, **options: Any) -> None:
        """Final ZK blocks that are old enough to be settled."""
        for _ in range(count):
            self.chain.add(self.time.now_seconds - 60, **options)

    async def deposit(self, value_wei: int) -> None:
        """A user deposits; the block with it is made."""
        nonce = await self.nonce_of(USER)
        data = keccak(b"deposit_eth(address)")[:4] + bytes(12) + address_of(USER)
        await self.send_as(
            USER, nonce=nonce, to=self.deployment.rollup, value_wei=value_wei, data=data
        )
        await self.next_block()

    async def nonce_of(self, account: LocalAccount) -> int:
        """An account's next nonce on L1."""
        client = new_client(self.l1.url, self.time)
        try:
            return await client.nonce(address_of(account))
        finally:
            await client.close()

    async def change_verifier(self) -> Address:
        """The owner puts another verifier in the place of the first, through the timelock."""
        nonce = await self.nonce_of(DEPLOYER)
        verifier = created_address(address_of(DEPLOYER), nonce)
        code = _part_verifier_code()
        await self.send_as(DEPLOYER, nonce=nonce, to=None, data=code, gas=3_000_000)
        arguments = encode(
            ("uint256", "address", "uint256", "uint256"), (_VERIFIER_CHANGE, verifier, 0, 0)
        )
        steps = ((b"propose", 1), (b"execute", terms().timelock_seconds))
        for offset, (step, wait_seconds) in enumerate(steps, start=1):
            await self.l1.skip_time(wait_seconds)
            data = keccak(step + b"(uint256,address,uint256,uint256)")[:4] + arguments
            rollup = self.deployment.rollup
            await self.send_as(DEPLOYER, nonce=nonce + offset, to=rollup, data=data)
            await self.next_block()
        return verifier

    async def send_as(
        self,
        signer: LocalAccount,
        *,
        nonce: int,
        to: bytes | None = bytes(19) + b"\x99",
        value_wei: int = 0,
        data: bytes = b"",
        gas: int = 300_000,
        tip_wei: int = GWEI,
        max_fee_wei: int = 400 * GWEI,
    ) -> None:
        """Somebody sends a transaction; it waits for the next block."""
        signed = signer.sign_transaction(
            {
                "type": 2,
                "chainId": L1_CHAIN_ID,
                "nonce": nonce,
                **({} if to is None else {"to": to}),
                "value": value_wei,
                "data": data,
                "gas": gas,
                "maxFeePerGas": max_fee_wei,
                "maxPriorityFeePerGas": tip_wei,
            }
        )
        client = new_client(self.l1.url, self.time)
        try:
            await client.send(bytes(signed.raw_transaction))
        finally:
            await client.close()

    async def keep_base_fee_for(self, rounds: int, node: Node) -> None:
        """Rounds in which L1's other users pay more than we offered at first."""
        for _ in range(rounds):
            await node.tick()
            self.time.advance(BLOCK_SECONDS)
            await self.l1.set_base_fee(60 * GWEI)

    def embedded_only(self) -> None:
        """Skip on an L1 that cannot be stopped without loss."""
        if not isinstance(self.l1, EmbeddedHarness):
            pytest.skip("needs an L1 that keeps its state over a restart")

    async def next_block(self, count: int = 1) -> None:
        self.time.advance(BLOCK_SECONDS * count)
        await self.l1.mine(count)

    async def round(self) -> None:
        """Each node ticks, then L1 makes a block."""
        for node in self.nodes:
            await node.tick()
        await self.next_block()

    async def settle_up_to(self, block: int, *, rounds: int = 120) -> int:
        """Go on until every node says that the block is final; gives the rounds it took."""
        for count in range(rounds):
            if all(node.pipeline.status.final_block >= block for node in self.nodes):
                return count
            await self.round()
        raise AssertionError([node.pipeline.status for node in self.nodes])

    async def close(self) -> None:
        for node in list(self.nodes):
            await self.kill(node)
        await self.l1.stop()
