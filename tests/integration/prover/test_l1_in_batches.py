"""A network's blocks are proved to have taken L1's queue, forced transactions included."""

from pathlib import Path

from local_l1 import LocalL1
from local_network import CHAIN_IDS, LocalNetwork, address_of, transfer

from actors.config import NodeConfig, PeerAddress
from actors.prover.batch import BatchBuilder
from actors.prover.history import ChainHistory
from actors.prover.stf import load_guest
from bridge.outbox import message_leaf
from cluster.dev_genesis import dev_account
from execution.block_data import extend_chain
from execution.statement import combine
from execution.types import Hash32
from ledger.hashing import keccak
from ledger.types import ChainRole, ValidatorIndex

RECEIVER = "0x" + "12" * 20
LOOP = bytes.fromhex("5b5f56")
"""A creation's code: it never ends."""


def raw_transfer(nonce: int) -> bytes:
    return bytes.fromhex(transfer(ChainRole.ZK, 0, nonce, to=RECEIVER, value_wei=3)[2:])


def unprovable(account: int) -> bytes:
    """A transaction that loops for as much gas as a block has."""
    fields = {
        "type": 2,
        "chainId": CHAIN_IDS[ChainRole.ZK],
        "nonce": 0,
        "gas": 60_000_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 0,
        "value": 0,
        "data": LOOP,
    }
    return bytes(dev_account(account).sign_transaction(fields).raw_transaction)


def config_of(network: LocalNetwork, index: int) -> NodeConfig:
    """What `braid prove` opens a node's stores with."""
    directory = network.node_directory(index)
    (directory / "zk").symlink_to(directory / ChainRole.ZK.name)
    nowhere = PeerAddress(ValidatorIndex(index), "127.0.0.1", 0)
    return NodeConfig(
        index=ValidatorIndex(index),
        directory=directory,
        genesis_file=directory / "genesis",
        listen=nowhere,
        peers=(),
        rpc_host="127.0.0.1",
        rpc_port=0,
    )


async def test_the_statement_of_a_network_s_blocks_takes_l1_s_queue_in_order(
    tmp_path: Path,
) -> None:
    l1 = LocalL1()
    network = LocalNetwork(tmp_path, l1=l1)
    await network.start()
    l1.deposit(bytes.fromhex(RECEIVER[2:]), 10**18)
    l1.force(raw_transfer(1))  # Too early: it is skipped, and counts as taken.
    l1.force(raw_transfer(0))
    l1.force(b"no transaction at all")
    l1.force(unprovable(1))
    l1.force(raw_transfer(1))
    expected_wei = 10**18 + 3 + 3
    await network.wait_until(
        lambda: all(
            network.balance(index, ChainRole.ZK, RECEIVER) == expected_wei
            for index in network.nodes
        )
    )
    number = network.nodes[0].final_state.zk.number
    await network.wait_for_execution(ChainRole.ZK, number)
    (sender,) = network.core(0, ChainRole.ZK).engine.accounts([address_of(1)])
    assert sender.nonce == 1, "what cannot be proved was included, and failed"
    await network.stop()

    with ChainHistory(config_of(network, 0), network.genesis) as history:
        blocks = history.batch_blocks(1, number)
        builder = BatchBuilder(history.spec, load_guest(), history.l1_chain_id)
        segments = list(builder.segments(blocks))
        last_hash = history.block_hash(number)
    statement = combine([segment.statement for segment in segments])
    assert statement.last_block_hash == last_hash
    assert statement.l1_chain_id == network.genesis.l1.chain_id
    assert statement.inflows == {}
    leaves = [Hash32(keccak(message_leaf(message))) for message in l1.queue]
    assert statement.after.deposits == extend_chain(Hash32(bytes(32)), leaves)
