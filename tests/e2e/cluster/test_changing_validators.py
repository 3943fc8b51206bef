"""A validator's keys are replaced in a running network, all through the CLI."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from braid_command import BraidCommand, free_port_options, wait_until
from json_rpc import Rpc

from cluster.network import load_network
from cluster.ports import free_ports
from ledger.keys import ValidatorKeys

pytestmark = pytest.mark.slow

NODES = (0, 1, 2, 3)
ROTATED = 2


@pytest.fixture(scope="module")
def braid() -> Iterator[BraidCommand]:
    with BraidCommand() as braid:
        yield braid
        braid.run("down")


def epoch_seen_by(braid: BraidCommand, node: int) -> dict[str, Any]:
    return braid.json("validators", "status", "--node", str(node))


def change_by_votes(braid: BraidCommand, *change: str, epoch: int) -> None:
    """Three operators vote for a change, and all of the old nodes come to the new epoch."""
    proposed = braid.json("validators", "propose-change", *change, "--notice", "400")
    for node in (1, 3):
        wait_until(
            lambda node=node: bool(epoch_seen_by(braid, node)["open_changes"]), "the proposal"
        )
        voted = braid.run("validators", "vote", proposed["change"], "--node", str(node))
        assert voted.returncode == 0, voted.stderr
    wait_until(
        lambda: all(epoch_seen_by(braid, node)["epoch"] == epoch for node in NODES),
        "the new epoch on all nodes",
        seconds=150,
    )


def test_keys_are_replaced_by_vote_and_the_network_goes_on_with_them(braid: BraidCommand) -> None:
    braid.json("up", "--l1", "none", *free_port_options())
    network = load_network(braid.directory)
    urls = [f"http://{node.rpc_host}:{node.rpc_port}/zk" for node in network.nodes]
    file = braid.home / "v2.newcomer"

    # NEW KEYS
    made = braid.run("validators", "newcomer", "--node", str(ROTATED), "--out", str(file))
    assert made.returncode == 0, made.stderr
    keys = ValidatorKeys((network.nodes[ROTATED].directory / "seed-1").read_bytes())

    change_by_votes(braid, "--replace", f"{ROTATED}={file}", epoch=1)

    # AFTERWARDS
    for node in NODES:
        found = Rpc(urls[node]).result("braid_getEpoch")
        new_key = "0x" + keys.consensus.public_key.hex()
        assert found["validators"][ROTATED]["consensus_key"] == new_key
        assert found["validator"] == node
    before = Rpc(urls[0]).status()
    certified = before["chains"]["fast"]["certified_number"]

    def goes_on() -> bool:
        status = Rpc(urls[0]).status()
        return (
            status["final_height"] > before["final_height"] + 20
            and status["chains"]["fast"]["certified_number"] > certified
        )

    wait_until(goes_on, "blocks and checkpoints of the new set")
    peers = Rpc(urls[ROTATED]).status()["peers"]
    assert all(peer["state"] == "connected" for peer in peers.values())


def test_the_network_starts_again_in_its_epoch(braid: BraidCommand) -> None:
    assert braid.run("down").returncode == 0
    braid.json("up")
    network = load_network(braid.directory)
    url = f"http://{network.nodes[ROTATED].rpc_host}:{network.nodes[ROTATED].rpc_port}/zk"
    height = Rpc(url).status()["final_height"]
    wait_until(lambda: Rpc(url).status()["final_height"] > height + 5, "new blocks")
    assert Rpc(url).result("braid_getEpoch")["epoch"] == 1
    proved = braid.json("validators", "verify", "--node", "1")
    assert proved["epoch"] == 1
    assert len(proved["ended"]) == 1
    table = braid.run("status")
    assert "epoch 1" in table.stderr


def test_a_fifth_node_with_an_empty_disk_is_voted_in_and_votes(braid: BraidCommand) -> None:
    file = braid.home / "carol.newcomer"
    p2p_port, rpc_port = free_ports(2)
    made = braid.json(
        *("validators", "add-node", "carol", "--address", f"/ip4/127.0.0.1/tcp/{p2p_port}"),
        *("--rpc", f"127.0.0.1:{rpc_port}", "--out", str(file)),
    )
    assert made == {"node": 4}
    change_by_votes(braid, "--add", str(file), epoch=2)

    # THE NEW NODE: a network of one machine starts it with the others.
    assert braid.run("down").returncode == 0
    braid.json("up")
    new = Rpc(f"http://127.0.0.1:{rpc_port}/zk")
    wait_until(lambda: new.result("braid_getEpoch")["validator"] == 4, "the newcomer's epoch")
    wait_until(lambda: new.status()["voting"]["from_view"] is not None, "the newcomer's votes")
    height = new.status()["final_height"]
    wait_until(lambda: new.status()["final_height"] > height + 20, "new blocks")
    proposers = {
        new.result("braid_getLedgerBlock", hex(at))["header"]["proposer"]
        for at in range(height + 1, height + 20)
    }
    assert 4 in proposers


def test_what_l1_has_to_be_sent_is_written_for_a_set_that_the_ledger_would_take(
    braid: BraidCommand,
) -> None:
    out = braid.home / "calls.json"
    arguments = ("validators", "l1-calls", "--out", str(out), "--registry", "0x" + "07" * 20)
    written = braid.run(*arguments, "--remove", "4")
    assert written.returncode == 0, written.stderr
    content = json.loads(out.read_text())
    assert len(content["validators"]) == 4
    assert len(content["registry"]["then"]) == 5
    refused = braid.run(*arguments, "--remove", "4", "--remove", "3")
    assert refused.returncode == 1
    assert "3 validators after it" in " ".join(refused.stderr.split())


def test_a_vote_that_the_ledger_would_not_take_is_refused_with_the_reason(
    braid: BraidCommand,
) -> None:
    refused = braid.run("validators", "vote", "11" * 32)
    assert refused.returncode == 1
    assert "would not take it: no change 1111" in " ".join(refused.stderr.split())
    unnamed = braid.run("validators", "vote", "zz")
    assert unnamed.returncode == 1
    assert "64 hexadecimal digits" in " ".join(unnamed.stderr.split())


def test_a_file_that_hands_over_nothing_is_refused(braid: BraidCommand) -> None:
    file = braid.home / "garbage"
    file.write_bytes(b"garbage")
    refused = braid.run("validators", "propose-change", "--add", str(file))
    assert refused.returncode == 1
    assert "no newcomer file" in " ".join(refused.stderr.split())
