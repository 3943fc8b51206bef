"""Whole validators in one process, as in ``local_network``, on real libp2p and real disks."""

import contextlib
from pathlib import Path
from random import Random
from typing import Any

from local_network import LocalNetwork

from actors.transport.config import PeerAddress, TransportConfig, TransportTiming
from actors.transport.interface import ConnectionState, Transport
from actors.transport.libp2p_transport import Libp2pTransport
from cluster.errors import PortsTaken
from cluster.ports import require_free
from ledger.genesis import genesis_digest
from ledger.types import ChainRole

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 20_000, 32_000
"""Below those that the system gives to outgoing connections and to whoever asks for any port: a
port found free there could be taken before the validator listens on it."""


def listening_ports(count: int) -> list[int]:
    """Ports on which nothing listens now."""
    found: list[int] = []
    candidates = Random().sample(range(FIRST_PORT, LAST_PORT), LAST_PORT - FIRST_PORT)
    while len(found) < count:
        port = candidates.pop()
        with contextlib.suppress(PortsTaken):
            require_free([port], HOST)
            found.append(port)
    return found


class Libp2pNetwork(LocalNetwork):
    """Validators that reach each other through the loopback interface."""

    def __init__(self, directory: Path, validators: int = 4, **options: Any) -> None:
        super().__init__(directory, validators, **options)
        self.ports = listening_ports(validators)
        self.transport_timing = TransportTiming()

    def transport_of(self, index: int) -> Transport:
        return Libp2pTransport(self.transport_config(index))

    def transport_config(self, index: int) -> TransportConfig:
        keys = [entry.network_key for entry in self.genesis.validators]
        identity = self.identity_of(index)
        return TransportConfig(
            index=identity,
            network_seed=self.keys[identity].network_seed,
            listen_host=HOST,
            listen_port=self.ports[index],
            peers=tuple(
                PeerAddress(peer, key, HOST, self.port_of(index, peer))
                for peer, key in enumerate(keys)
            ),
            genesis_digest=genesis_digest(self.genesis),
            random_seed=index,
            timing=self.transport_timing,
        )

    def port_of(self, dialer: int, listener: int) -> int:
        """Where a node finds another one."""
        return self.ports[listener]

    async def wait_until_connected(self) -> None:
        def are_connected() -> bool:
            return all(
                peer.state is ConnectionState.CONNECTED
                for node in self.nodes.values()
                for peer in node.transport.status().peers.values()
            )

        await self.wait_until(are_connected)

    # WHAT HAS TO HOLD

    async def assert_agreement(self, *honest: int, culprit: int | None = None) -> None:
        """The honest nodes have one ledger and one state, and convict the culprit and nobody else.

        Parameters
        ----------
        culprit
            Whom the evidence names; None if there may be no evidence at all.
        """
        height = max(self.nodes[index].archive.height for index in honest)
        await self.wait_for_height(height, *honest)
        ledgers = {tuple(self.digests(index, height)) for index in honest}
        assert len(ledgers) == 1
        for role in ChainRole:
            number = min(self.nodes[index].final_state.chain(role).number for index in honest)
            await self.wait_for_execution(role, number, *honest)
            roots = {tuple(self.state_roots(index, role, number)) for index in honest}
            assert len(roots) == 1
        expected = () if culprit is None else (culprit,)
        for index in honest:
            assert self.nodes[index].final_state.convicted == expected
            found = self.evidence(index)
            assert [entry["culprit"] for entry in found] == list(expected)

    def evidence(self, index: int) -> list[dict[str, Any]]:
        """What ``braid_evidence`` answers at a node."""
        return self.inspector(index).evidence(10)
