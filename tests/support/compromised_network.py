"""A game on a local network, and executors that lie about it."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_network import LocalNetwork, address_of, transfer
from losses import call_data, rounds_of

from actors.execution_messages import ExecuteBlock, FinalizeBlock
from actors.executor.chain_store import ChainStore
from actors.executor.core import ChainExecutor
from bridge.state import RetainedCheckpoint
from bridge.work import amend_for_replay
from cluster.chaos.compromise import ForgedMessage, Forgery, compromise, restore
from contracts.addresses import ROUND_GUARD_ADDRESS
from contracts.compiled import artifact
from contracts.l1.deployment import created_address
from execution.genesis import chain_spec
from execution.types import Address, Hash32
from ledger.genesis import genesis_digest
from ledger.hashing import keccak
from ledger.types import BlockNumber, ChainRole, EvmAddress, Height
from storage.store import Store

GAME = EvmAddress(keccak(b"the game's contract on the fast chain")[12:])
THIEVES = [Address(keccak(b"thief %d" % index)[12:]) for index in range(4)]
MINT_CAP = 3
UNIT_WEI = 10**17
PAYOUT_CAP_WEI = 10**18
DEPOSIT_WEI = 10**18
PLAYER = 40
GUARD = "0x" + ROUND_GUARD_ADDRESS.hex()
LEAD_BLOCKS = 40
"""Fast blocks from the decision to lie to the first lie, so that all nodes lie together."""


@dataclass
class Game:
    """A round with a player in it."""

    round_id: int
    deadline_seconds: int
    player: int
    nonce: int = 1

    @property
    def player_hex(self) -> str:
        """Address of the player."""
        return "0x" + address_of(self.player).hex()

    async def leave(self, network: LocalNetwork) -> None:
        """Let the player leave the round, and wait for it."""
        data = call_data("leave(uint256)", self.round_id)
        await send_zk(network, self.player, self.nonce, GUARD, data)
        self.nonce += 1


async def send_zk(
    network: LocalNetwork, account: int, nonce: int, to: str | None, data: bytes, value_wei: int = 0
) -> None:
    """Send a transaction on the ZK chain, and wait until it is final."""
    fields: dict[str, Any] = {"to": to, "data": "0x" + data.hex(), "value_wei": value_wei}
    raw = transfer(ChainRole.ZK, account, nonce, gas=5_000_000, **fields)
    assert all(outcome.is_accepted for outcome in network.submit(0, ChainRole.ZK, [raw]))
    core = network.core(0, ChainRole.ZK)
    transaction_hash = Hash32(keccak(bytes.fromhex(raw[2:])))
    await network.wait_until(lambda: core.store.place_of(transaction_hash) is not None)
    number, index = core.store.place_of(transaction_hash) or (0, 0)
    block = core.store.block(number)
    assert block is not None
    receipt = block.receipts[index]
    assert receipt.is_success, receipt


async def open_game(network: LocalNetwork, account: int = 0, seconds: int = 3600) -> Game:
    """Open a round with caps on mints and value, and let a player enter with a stake."""
    await network.wait_for_height(1)  # The genesis is older than the clock.
    trophy = created_address(address_of(account), 0)
    deadline = network.nodes[0].final_state.timestamp_ms // 1000 + seconds
    await send_zk(network, account, 0, None, artifact("Trophy").bytecode)
    trophy_hex = "0x" + trophy.hex()
    await send_zk(network, account, 1, GUARD, call_data("register_game(address)", trophy_hex))
    opening = call_data(
        "open_round(address,address,uint256,uint256,uint256,uint256)",
        "0x" + GAME.hex(),
        trophy_hex,
        MINT_CAP,
        UNIT_WEI,
        PAYOUT_CAP_WEI,
        deadline,
    )
    deposit = PAYOUT_CAP_WEI + MINT_CAP * UNIT_WEI // 100
    await send_zk(network, account, 2, GUARD, opening, deposit)
    (found,) = [
        found for found in rounds_of(network.core(0, ChainRole.ZK).engine) if found.trophy == trophy
    ]
    player = PLAYER + account
    entering = call_data("enter(uint256)", found.round_id)
    await send_zk(network, player, 0, GUARD, entering, DEPOSIT_WEI)
    return Game(found.round_id, deadline, player)


def forged_report(round_id: int, count: int = 64) -> ForgedMessage:
    """A report of the game that nobody earned."""
    receivers = ["0x" + THIEVES[index % len(THIEVES)].hex() for index in range(count)]
    data = call_data("report(uint256,address[])", round_id, receivers)
    return ForgedMessage(GAME, EvmAddress(ROUND_GUARD_ADDRESS), gas_limit=2_000_000, data=data)


def forged_payout(round_id: int, value_wei: int) -> ForgedMessage:
    """A payout of the game that nobody won."""
    data = call_data(
        "payout(uint256,address[],uint256[])", round_id, ["0x" + THIEVES[0].hex()], [value_wei]
    )
    return ForgedMessage(GAME, EvmAddress(ROUND_GUARD_ADDRESS), gas_limit=2_000_000, data=data)


def forged_transfer(value_wei: int) -> ForgedMessage:
    """Value that leaves the fast chain and was nobody's there."""
    thief = EvmAddress(THIEVES[0])
    return ForgedMessage(thief, thief, value_wei)


async def compromise_all(network: LocalNetwork, forge: Callable[[int, int], Forgery]) -> int:
    """Have every node's fast execution lie from one block on; gives that block's number."""
    cores = [network.core(index, ChainRole.FAST) for index in network.nodes]
    first = max(core.head_number for core in cores) + LEAD_BLOCKS
    for index, core in enumerate(cores):
        compromise(core, forge(index, first))
    await network.wait_until(lambda: all(core.final_number >= first for core in cores))
    return first


def restore_all(network: LocalNetwork) -> None:
    """Give every node its honest executor back."""
    for index in network.nodes:
        restore(network.core(index, ChainRole.FAST))


async def wait_for_quarantine(network: LocalNetwork, first_forged: int) -> int:
    """Wait for a quarantine; ledger blocks from the first forged block to it."""
    await network.wait_until(
        lambda: all(node.final_state.quarantine.is_active for node in network.nodes.values())
    )
    node = network.nodes[0]
    forged_at = node.archive.height_of(ChainRole.FAST, first_forged)
    assert forged_at is not None
    return node.final_state.quarantine.since_height - forged_at


async def resume_from(network: LocalNetwork, point: RetainedCheckpoint) -> None:
    """Resume by the votes of three operators."""
    sequence = network.nodes[0].final_state.quarantine.sequence
    for index in (0, 1, 2):
        node = network.nodes[index]
        node.operators.vote_resume(node.final_state, BlockNumber(point.number), point.state_root)
    await network.wait_until(
        lambda: all(
            node.final_state.quarantine.sequence > sequence for node in network.nodes.values()
        )
    )


def honest_roots(network: LocalNetwork, index: int, last: int) -> list[bytes | None]:
    """State roots of the fast chain by an execution that has nothing to do with the nodes'."""
    node = network.nodes[index]
    spec = chain_spec(network.genesis, ChainRole.FAST)
    with tempfile.TemporaryDirectory() as directory:
        store = ChainStore(Store(Path(directory)), spec.chain_id)
        digest = genesis_digest(network.genesis)
        auditor = ChainExecutor(ChainRole.FAST, spec, digest, store)
        parent = digest
        for ordered in node.archive.ordered_from(Height(1)):
            header, work = ordered.sealed.header, ordered.work
            if header.chain is not ChainRole.FAST or header.chain_block_number > last:
                continue
            for replay in node.archive.replays:
                work = amend_for_replay(work, replay.replay)
            order = ExecuteBlock(
                role=ChainRole.FAST,
                number=header.chain_block_number,
                digest=ordered.sealed.digest,
                chain_parent=parent,
                height=header.height,
                view=header.view,
                timestamp_ms=header.timestamp_ms,
                coinbase=Address(network.genesis.validators[header.proposer].coinbase),
                work=work,
                transactions=ordered.sealed.body.transactions,
                senders=(None,) * len(ordered.sealed.body.transactions),
            )
            parent = ordered.sealed.digest
            auditor.apply([order, FinalizeBlock(order.number, order.digest, order.digest)])
        roots = []
        for number in range(1, last + 1):
            result = auditor.store.result(number)
            roots.append(None if result is None else bytes(result.state_root))
        auditor.store.close()
    return roots
