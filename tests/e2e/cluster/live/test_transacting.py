"""Users at different nodes: the same receipts, roots and blocks for everyone."""

import pytest
from braid_command import wait_until
from live_network import LiveNetwork

from cluster.chain_client import Call, call_of
from cluster.dev_genesis import FAST_CHAIN_ID, ZK_CHAIN_ID, dev_account
from cluster.errors import DemoFailed
from ledger.types import ChainRole

RECEIVER = "0x" + "77" * 20
BOTH = pytest.mark.parametrize("role", list(ChainRole), ids=lambda role: role.name)


@BOTH
def test_a_transfer_at_one_node_is_executed_by_all(network: LiveNetwork, role: ChainRole) -> None:
    sender = dev_account(2)
    client = network.client(1, role)
    before = client.web3.eth.get_balance(RECEIVER)
    receipt = client.send(Call(sender, RECEIVER, value_wei=11, gas_limit=21_000))
    transaction_hash = "0x" + receipt["transactionHash"].hex()
    receipts = [
        wait_until(
            lambda rpc=network.rpc(node, role): rpc.result(
                "eth_getTransactionReceipt", transaction_hash
            ),
            f"the receipt at node {node}",
        )
        for node in range(network.count)
    ]
    assert receipts[0]["status"] == "0x1"
    assert all(other == receipts[0] for other in receipts)
    for node in range(network.count):
        balance = network.rpc(node, role).result("eth_getBalance", RECEIVER, "latest")
        assert int(balance, 16) == before + 11


@BOTH
def test_transactions_of_one_sender_through_four_nodes_execute_in_the_order_of_their_nonces(
    network: LiveNetwork, role: ChainRole
) -> None:
    sender = dev_account(3)
    signer = network.client(0, role)
    first = signer.web3.eth.get_transaction_count(sender.address)
    raws = [signer.sign(Call(sender, RECEIVER, value_wei=1, gas_limit=21_000)) for _ in range(12)]
    hashes = [
        network.rpc(index % network.count, role).result("eth_sendRawTransaction", "0x" + raw.hex())
        for index, raw in enumerate(raws)
    ]
    places = []
    for transaction_hash in hashes:
        receipt = wait_until(
            lambda wanted=transaction_hash: network.rpc(2, role).result(
                "eth_getTransactionReceipt", wanted
            ),
            "a receipt",
        )
        assert receipt["status"] == "0x1"
        places.append((int(receipt["blockNumber"], 16), int(receipt["transactionIndex"], 16)))
    assert places == sorted(places)
    assert len(set(places)) == 12
    assert signer.web3.eth.get_transaction_count(sender.address) == first + 12


@BOTH
def test_a_contract_deployed_at_one_node_is_called_at_another(
    network: LiveNetwork, role: ChainRole
) -> None:
    owner = dev_account(4)
    trophy = network.client(0, role).deploy(owner, "Trophy")
    for node in range(1, network.count):
        client = network.client(node, role)
        wait_until(
            lambda client=client: len(client.web3.eth.get_code(trophy.address)) > 0, "the contract"
        )
        there = client.contract("Trophy", trophy.address)
        assert there.functions.totalSupply().call() == 0


def test_the_two_chains_are_told_apart(network: LiveNetwork) -> None:
    for node in range(network.count):
        assert network.client(node, ChainRole.ZK).chain_id == ZK_CHAIN_ID
        assert network.client(node, ChainRole.FAST).chain_id == FAST_CHAIN_ID


@BOTH
def test_the_tags_are_the_tiers_of_confirmation(network: LiveNetwork, role: ChainRole) -> None:
    for node in range(network.count):
        rpc = network.rpc(node, role)
        numbers = {
            tag: int(rpc.result("eth_getBlockByNumber", tag, False)["number"], 16)
            for tag in ("finalized", "safe", "latest", "earliest")
        }
        final = network.status(node)["chains"][role.name.lower()]["final_number"]
        assert numbers["earliest"] == 0
        assert 0 < numbers["safe"] <= numbers["latest"]
        assert numbers["safe"] <= final
        if role is ChainRole.ZK:
            assert numbers["finalized"] == 0, "nothing is proven yet"
        else:
            assert 0 < numbers["finalized"] <= final


def test_blocks_of_both_chains_alternate_on_one_ledger(network: LiveNetwork) -> None:
    height = min(network.session.ask_all("ledger_height"))
    orders = network.session.ask_all("interleaving", 1, height)
    assert all(order == orders[0] for order in orders)
    assert set(orders[0]) == set(ChainRole)
    assert len(orders[0]) == height


def test_a_reverting_transaction_costs_gas_and_is_said_to_have_failed(network: LiveNetwork) -> None:
    sender = dev_account(5)
    client = network.client(3, ChainRole.ZK)
    trophy = client.deploy(sender, "Trophy")
    stranger = dev_account(6)
    reverting = trophy.functions.transferFrom(sender.address, stranger.address, 99)
    with pytest.raises(DemoFailed, match="reverted"):
        client.send(call_of(stranger, reverting))
    spent = client.web3.eth.get_transaction_count(stranger.address)
    assert spent == 1


def test_a_client_that_waits_in_vain_says_what_for(network: LiveNetwork) -> None:
    client = network.client(0, ChainRole.FAST)
    with pytest.raises(DemoFailed, match="FAST chain at node 0: a miracle did not happen in 0 s"):
        client.wait_until("a miracle", lambda: False, seconds=0.1)
    with pytest.raises(DemoFailed, match="braid_getRound"):
        client.rpc("braid_getRound", "x")
    with pytest.raises(DemoFailed, match="was refused: insufficient funds"):
        client.send(Call(dev_account(7), RECEIVER, value_wei=10**18, gas_limit=21_000))
