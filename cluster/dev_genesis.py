"""A network for one machine: fresh validator keys, the predeploys, and funded accounts.

The private keys of the funded accounts are public knowledge, as with every
development chain: never give such a network anything of value.
"""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from cluster.genesis_terms import ChainTerms, NetworkTerms, build_genesis
from cluster.l1_founding import anchor
from cluster.l1_plan import L1Choice
from cluster.network import Network, create_network
from cluster.ports import free_ports, require_free
from execution.types import Address
from ledger.genesis import NO_L1, Genesis, L1Anchor, Timing
from ledger.hashing import keccak
from ledger.keys import ValidatorKeys
from ledger.types import ChainId, TimestampMs

ZK_CHAIN_ID: Final = ChainId(271_801)
FAST_CHAIN_ID: Final = ChainId(271_802)
DEV_ACCOUNT_COUNT: Final = 64
DEV_BALANCE_WEI: Final = 1_000 * 10**18
DEV_FAST_BALANCE_WEI: Final = 10**12
"""Small: every wei on the fast chain counts towards the loss bound."""

ZK_BEAT_MS: Final = 2_000
SETTLED_ZK_BEAT_MS: Final = 10_000
"""Empty blocks have to be proved, too."""


@dataclass(frozen=True, slots=True)
class PortPlan:
    """Ports of a network: ``base + index``, or free ones when ``None``."""

    rpc_base: int | None
    p2p_base: int | None

    def choose(self, validators: int) -> tuple[list[int], list[int]]:
        """JSON-RPC and libp2p ports, each checked to be free.

        Raises
        ------
        PortsTaken
            If a port of the plan is in use.
        """
        free = free_ports(2 * validators)
        rpc, p2p = free[:validators], free[validators:]
        if self.rpc_base is not None:
            rpc = [self.rpc_base + index for index in range(validators)]
        if self.p2p_base is not None:
            p2p = [self.p2p_base + index for index in range(validators)]
        require_free([*rpc, *p2p])
        return rpc, p2p


def dev_account(index: int) -> LocalAccount:
    """Funded development account ``index``; its key is derived from its number alone."""
    account: LocalAccount = Account.from_key(keccak(f"braid development account {index}".encode()))
    return account


def create_dev_network(
    directory: Path, validators: int, ports: PortPlan, l1: L1Choice | None = None
) -> Network:
    """Write a new development network into a directory; without a choice it settles nowhere."""
    rpc_ports, p2p_ports = ports.choose(validators)
    seeds = [secrets.token_bytes(32) for _ in range(validators)]
    timestamp_ms = TimestampMs(time.time_ns() // 1_000_000)
    keys = [ValidatorKeys(seed) for seed in seeds]
    if l1 is None:
        genesis = dev_genesis(keys, timestamp_ms)
        return create_network(directory, genesis, seeds, p2p_ports, rpc_ports)
    genesis = dev_genesis(keys, timestamp_ms, anchor(l1.keys, l1.chain_id, l1.plan.deployer_nonce))
    return create_network(directory, genesis, seeds, p2p_ports, rpc_ports, (l1.plan, l1.keys))


def dev_terms(l1: L1Anchor = NO_L1) -> NetworkTerms:
    """Terms of a development network that settles on ``l1``: public accounts have the funds."""
    addresses = [
        Address(bytes.fromhex(dev_account(index).address[2:])) for index in range(DEV_ACCOUNT_COUNT)
    ]
    return NetworkTerms(
        network="braid-dev",
        zk=ChainTerms(ZK_CHAIN_ID, dict.fromkeys(addresses, DEV_BALANCE_WEI)),
        fast=ChainTerms(FAST_CHAIN_ID, dict.fromkeys(addresses, DEV_FAST_BALANCE_WEI)),
        timing=Timing(
            delta_ms=500,
            idle_interval_ms=200,
            zk_interval_ms=200,
            zk_idle_interval_ms=SETTLED_ZK_BEAT_MS if l1.chain_id else ZK_BEAT_MS,
            max_drift_ms=2_000,
        ),
        l1=l1,
    )


def dev_genesis(
    keys: list[ValidatorKeys], timestamp_ms: TimestampMs, l1: L1Anchor = NO_L1
) -> Genesis:
    """Genesis of a development network of these validators, settling on ``l1``."""
    validators = tuple(key.genesis_entry(f"node-{index}") for index, key in enumerate(keys))
    return build_genesis(dev_terms(l1), validators, timestamp_ms)
