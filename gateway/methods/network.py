"""Methods that tell who answers: ``eth_chainId``, ``net_`` and ``web3_``."""

from typing import Final, Protocol

from gateway import params as read
from gateway.backend import Json
from gateway.methods.table import MethodTable
from gateway.params import Params
from gateway.reader import ChainReader
from gateway.render import to_hex
from gateway.views import ChainInfo
from ledger.hashing import keccak

CLIENT_VERSION: Final = "braid/0.1.0"


class PeerCounter(Protocol):
    """Whoever knows the node's connections."""

    async def peer_count(self) -> int:
        """Nodes that this node is connected to."""
        ...


class NetworkMethods:
    """Constants of the chain, and Ethereum's questions about a node."""

    def __init__(self, info: ChainInfo, reader: ChainReader, peers: PeerCounter) -> None:
        self._info = info
        self._reader = reader
        self._peers = peers

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_chainId": self.chain_id,
            "eth_blockNumber": self.block_number,
            "eth_syncing": self.syncing,
            "eth_accounts": self.accounts,
            "net_version": self.version,
            "net_listening": self.listening,
            "net_peerCount": self.peer_count,
            "web3_clientVersion": self.client_version,
            "web3_sha3": self.sha3,
        }

    async def chain_id(self, params: Params) -> Json:
        """EIP-155 chain id."""
        params.at_most(0)
        return hex(self._info.chain_id)

    async def block_number(self, params: Params) -> Json:
        """Number of the newest executed block."""
        params.at_most(0)
        return hex((await self._reader.heads()).latest)

    async def syncing(self, params: Params) -> Json:
        """Always false: a node answers from the blocks that it has executed."""
        params.at_most(0)
        return False

    async def accounts(self, params: Params) -> Json:
        """No accounts: the node holds no user's keys."""
        params.at_most(0)
        return []

    async def version(self, params: Params) -> Json:
        """Network id: the chain id in decimal."""
        params.at_most(0)
        return str(self._info.chain_id)

    async def listening(self, params: Params) -> Json:
        """Whether the node takes part in its network."""
        params.at_most(0)
        return True

    async def peer_count(self, params: Params) -> Json:
        """Nodes that this node is connected to."""
        params.at_most(0)
        return hex(await self._peers.peer_count())

    async def client_version(self, params: Params) -> Json:
        """Name and version of this software."""
        params.at_most(0)
        return f"{CLIENT_VERSION}/{self._info.name}"

    async def sha3(self, params: Params) -> Json:
        """Keccak-256 of the given bytes."""
        params.at_most(1)
        return to_hex(keccak(read.data(params.required(0))))
