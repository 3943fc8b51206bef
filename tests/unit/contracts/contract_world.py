"""Two chains with their predeploys, and the accounts that the tests act for."""

from dataclasses import dataclass

from evm_harness import ETHER, Chain, Contract, Outcome, account_address, sent_messages

from contracts import (
    BRIDGED_TOKENS_ADDRESS,
    OWNERSHIP_ORACLE_ADDRESS,
    PORTAL_ADDRESS,
    ROUND_GUARD_ADDRESS,
    fast_predeploys,
    zk_predeploys,
)
from execution.types import Address, GenesisAccount

ZK_CHAIN_ID = 7001
FAST_CHAIN_ID = 7002
FAST_GENESIS_WEI = 5 * ETHER
MAX_EXPOSURE_WEI = 100 * ETHER

L1_CHAIN_ID = 900
ROLLUP = account_address("rollup on l1")
"""The Rollup on L1, for worlds with one: what the chains know of it is its address."""

ALICE = account_address("alice")
BOB = account_address("bob")
MALLORY = account_address("mallory")


@dataclass(frozen=True, slots=True)
class World:
    """Both chains; on the fast one, Alice holds the whole genesis balance."""

    zk: Chain
    fast: Chain
    zk_portal: Contract
    fast_portal: Contract
    guard: Contract
    oracle: Contract
    zk_tokens: Contract
    fast_tokens: Contract

    def carry(self, sent: Outcome, source: Chain) -> list[Outcome]:
        """Deliver everything that a transaction sent to the other chain; return how each ended."""
        assert sent.is_success, sent.reason
        other = self.fast if source is self.zk else self.zk
        outcomes = [other.deliver(message) for message in sent_messages(sent, source)]
        for outcome in outcomes:
            assert outcome.is_success, outcome.reason
        return outcomes

    def at(self, seconds: int) -> None:
        """Move both clocks."""
        self.zk.now_seconds = self.fast.now_seconds = seconds


def new_world(l1_chain_id: int = 0) -> World:
    """Return two chains right after genesis, without an L1 unless its chain id is given."""
    funded: dict[Address, GenesisAccount] = {ALICE: GenesisAccount(balance_wei=FAST_GENESIS_WEI)}
    l1 = {"l1_chain_id": l1_chain_id, "rollup": ROLLUP} if l1_chain_id else {}
    zk_alloc = zk_predeploys(FAST_CHAIN_ID, funded.values(), MAX_EXPOSURE_WEI, **l1)
    zk = Chain(ZK_CHAIN_ID, zk_alloc)
    fast = Chain(FAST_CHAIN_ID, funded | fast_predeploys(ZK_CHAIN_ID))
    zk.fund(ALICE, BOB, MALLORY)
    return World(
        zk=zk,
        fast=fast,
        zk_portal=Contract(zk, "Portal", PORTAL_ADDRESS),
        fast_portal=Contract(fast, "Portal", PORTAL_ADDRESS),
        guard=Contract(zk, "RoundGuard", ROUND_GUARD_ADDRESS),
        oracle=Contract(fast, "OwnershipOracle", OWNERSHIP_ORACLE_ADDRESS),
        zk_tokens=Contract(zk, "BridgedTokens", BRIDGED_TOKENS_ADDRESS),
        fast_tokens=Contract(fast, "BridgedTokens", BRIDGED_TOKENS_ADDRESS),
    )
