"""The allow-list follows the ledger: whole validators on libp2p change their set."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from local_network import LocalNetwork

from actors.transport import ConnectionState
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.interface import Transport
from actors.transport.libp2p_transport import Libp2pTransport
from bridge.membership import MIN_NOTICE_BLOCKS
from cluster.ports import free_ports
from ledger.keys import own_validator
from ledger.membership import Replacement, ValidatorSetChange, change_digest
from ledger.types import Epoch, Height, ValidatorIndex
from ledger.validators import ValidatorSet

REMOVED, SPARE = 1, 4
STAYING = (0, 2, 3)


class Libp2pNetwork(LocalNetwork):
    """The same validators, each on a port of its own that it keeps in all epochs."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, spare=1)
        self.ports = free_ports(5)

    def _transport(self, machine: int, validators: ValidatorSet) -> Transport:
        index, keys = own_validator(validators, self.keyrings[machine])
        ports = {
            keys.consensus.public_key: port
            for keys, port in zip(self.keys, self.ports, strict=True)
        }
        peers = tuple(
            PeerAddress(
                place,
                member.entry.network_key,
                "127.0.0.1",
                ports[member.entry.consensus_key],
            )
            for place, member in enumerate(validators.members)
        )
        return Libp2pTransport(
            TransportConfig(
                index=index,
                network_seed=keys.network_seed,
                listen_host="127.0.0.1",
                listen_port=self.ports[machine],
                peers=peers,
                genesis_digest=validators.digest,
                random_seed=machine,
            )
        )


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Libp2pNetwork]:
    made = Libp2pNetwork(tmp_path)
    yield made
    await made.stop()


async def test_a_newcomer_is_let_in_and_who_is_removed_is_refused(network: Libp2pNetwork) -> None:
    await network.start(0, 1, 2, 3)
    await network.wait_for_height(3)
    proposer = network.nodes[0]
    joining = network.keys[SPARE].newcomer(proposer.validators.digest, "new", "127.0.0.1:1")
    change = ValidatorSetChange(
        Epoch(0),
        Height(proposer.archive.height + MIN_NOTICE_BLOCKS + 20),
        (),
        (Replacement(ValidatorIndex(REMOVED), joining),),
        (),
    )
    proposer.operators.propose_change(proposer.final_state, change, proposer.validators)
    for machine in (2, 3):
        node = network.nodes[machine]
        await network.wait_until(lambda node=node: bool(node.final_state.membership.open_changes))
        node.operators.vote_change(node.final_state, change_digest(change), node.validators)
    await network.wait_until(
        lambda: all(network.nodes[machine].epoch == 1 for machine in (*STAYING, REMOVED))
    )

    await network.start(SPARE)
    await network.wait_until(lambda: network.nodes[SPARE].epoch == 1)
    await network.wait_for_growth(10, *STAYING, SPARE)
    for machine in STAYING:
        peers = network.nodes[machine].transport.status().peers
        assert all(peer.state is ConnectionState.CONNECTED for peer in peers.values())

    removed = network.nodes[REMOVED]
    assert not removed.is_validator
    height = removed.archive.height
    peers = removed.transport.status().peers.values()
    assert not any(peer.state is ConnectionState.CONNECTED for peer in peers)
    assert removed.archive.height == height == change.first_height - 1
