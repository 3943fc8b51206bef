"""Four operators with a Ray each run one ledger, and none depends on another's Ray."""

import asyncio
from dataclasses import replace

import pytest
from braid_command import wait_until
from federated_operators import Federation, Operator

from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.interface import TransportStatus
from actors.transport.libp2p_transport import Libp2pTransport
from cluster.chain_client import Call
from cluster.dev_genesis import dev_account
from cluster.run_record import load_run
from ledger.genesis import genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import ChainRole

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(600)]

RECEIVER = "0x" + "79" * 20
REFUSAL_SECONDS = 30.0


def pay(operator: Operator, role: ChainRole, amount_wei: int) -> str:
    """Send a transfer to an operator, and wait until it is executed there; gives its hash."""
    call = Call(dev_account(operator.index), RECEIVER, value_wei=amount_wei, gas_limit=21_000)
    return "0x" + operator.client(role).send(call)["transactionHash"].hex()


def wait_until_final(operator: Operator, role: ChainRole, transaction_hash: str) -> str:
    """Wait until a transaction is in a final block at an operator; gives the block's hash."""
    chain = operator.client(role)

    def block_hash() -> str | None:
        receipt = chain.rpc("eth_getTransactionReceipt", transaction_hash)
        safe = chain.rpc("eth_getBlockByNumber", "safe", False)
        is_final = receipt is not None and int(receipt["blockNumber"], 16) <= int(
            safe["number"], 16
        )
        return receipt["blockHash"] if is_final else None

    found: str = wait_until(block_hash, f"{transaction_hash} final at {operator.name}")
    return found


@pytest.mark.parametrize("role", list(ChainRole), ids=lambda role: role.name)
def test_a_transaction_sent_to_one_operator_is_final_on_all(federation: Federation, role):
    sent = pay(federation.operators[1], role, 17)
    blocks = {wait_until_final(operator, role, sent) for operator in federation.operators}
    assert len(blocks) == 1
    for operator in federation.operators:
        balance = operator.client(role).rpc("eth_getBalance", RECEIVER, "safe")
        assert int(balance, 16) == 17


def test_while_one_operator_is_away_nobody_takes_its_place_and_it_comes_back_to_the_same_ledger(
    federation: Federation,
):
    *others, dave = federation.operators
    before = pay(dave, ChainRole.ZK, 100)
    dave.cut_power()
    sent = pay(others[0], ChainRole.ZK, 1_000)
    for operator in others:
        wait_until_final(operator, ChainRole.ZK, sent)
    asyncio.run(_impostors(others, dave))
    federation.wait_until_agree(*others)
    dave.start()
    blocks = {wait_until_final(operator, ChainRole.ZK, sent) for operator in federation.operators}
    assert len(blocks) == 1
    assert wait_until_final(dave, ChainRole.ZK, before)
    federation.wait_until_agree()
    for operator in federation.operators:
        assert operator.rpc.status()["convicted"] == []


def test_each_operator_has_a_ray_and_a_token_of_its_own(federation: Federation):
    runs = [load_run(operator.network) for operator in federation.operators]
    assert len({run.address for run in runs}) == len({run.pid for run in runs}) == 4
    assert len({run.token_file.read_text() for run in runs}) == 4


@pytest.mark.slow
def test_the_token_of_one_operator_s_ray_does_not_open_another_s(federation: Federation):
    alice, bob = federation.operators[:2]
    alice.braid.environment |= {"RAY_AUTH_TOKEN_PATH": str(alice.network.token_file)}
    at_bob = ("--address", load_run(bob.network).address)
    done = alice.braid.run("node", "stop", "1", *at_bob)
    assert done.returncode == 1
    assert "does not let us in" in " ".join(done.stderr.split())
    federation.wait_until_agree(alice, bob)


async def _impostors(others: list[Operator], dave: Operator) -> None:
    """In dave's place: first with dave's keys and another genesis, then with keys of nobody."""
    config = _transport_config(dave)
    other_genesis = replace(config, genesis_digest=bytes(32))
    mine = await _refused(
        other_genesis,
        lambda status: all(peer.refusal for peer in status.peers.values()),
    )
    assert all("use one genesis file on both" in peer.refusal for peer in mine.peers.values())
    for operator in others:
        refusal = operator.rpc.status()["peers"]["3"]["refusal"]
        assert "it has the genesis 0000000000000000, this node" in refusal
    before = [operator.rpc.status()["rejected_connections"] for operator in others]
    stranger = replace(config, network_seed=_seed_that_dials(config))
    theirs = await _refused(
        stranger,
        lambda status: all(peer.last_disconnect_reason for peer in status.peers.values()),
    )
    assert all("dial failed" in peer.last_disconnect_reason for peer in theirs.peers.values())
    for operator, count in zip(others, before, strict=True):
        assert operator.rpc.status()["rejected_connections"] > count


async def _refused(config: TransportConfig, is_told: object) -> TransportStatus:
    """Run a transport until it has been told that it is not wanted; gives its last status."""
    transport = Libp2pTransport(config)
    await transport.start()
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            while not is_told(transport.status()):
                await asyncio.sleep(0.05)
        return transport.status()
    finally:
        await transport.close()


def _transport_config(operator: Operator) -> TransportConfig:
    network = operator.network
    node = network.nodes[operator.index]
    peers = tuple(
        PeerAddress(peer.index, network.genesis.validators[peer.index].network_key, *_where(peer))
        for peer in node.peers
    )
    return TransportConfig(
        index=operator.index,
        network_seed=ValidatorKeys(node.seed_file.read_bytes()).network_seed,
        listen_host="127.0.0.1",
        listen_port=operator.p2p_port,
        peers=peers,
        genesis_digest=genesis_digest(network.genesis),
    )


def _where(peer):
    return peer.host, peer.port, peer.ip_version


def _seed_that_dials(config: TransportConfig) -> bytes:
    """A key whose peer id is below all others: who has it dials, and is not dialled."""
    from actors.transport._libp2p_patches import key_pair_from_seed, peer_id_from_public_key

    lowest = min(peer_id_from_public_key(peer.public_key).to_bytes() for peer in config.peers)
    for number in range(10_000):
        seed = number.to_bytes(32, "big")
        key = key_pair_from_seed(seed).public_key.to_bytes()
        if peer_id_from_public_key(key).to_bytes() < lowest:
            return seed
    raise AssertionError("no key is low enough")
