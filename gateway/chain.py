"""One chain's part of the gateway: its reader, its ingress and its methods."""

from concurrent.futures import Executor

from gateway.backend import ChainBackend
from gateway.ingress import Ingress
from gateway.limits import Limits
from gateway.methods.blocks import BlockMethods
from gateway.methods.fees import FeeMethods
from gateway.methods.logs import LogMethods
from gateway.methods.network import NetworkMethods, PeerCounter
from gateway.methods.state import StateMethods
from gateway.methods.table import MethodTable
from gateway.methods.transactions import TransactionMethods
from gateway.reader import ChainReader
from gateway.views import ChainInfo


class ChainGateway:
    """Everything that answers for one chain."""

    def __init__(
        self,
        info: ChainInfo,
        backend: ChainBackend,
        peers: PeerCounter,
        limits: Limits,
        threads: Executor,
    ) -> None:
        self.backend = backend
        self.ingress = Ingress(info, backend, limits, threads)
        self._reader = ChainReader(backend, limits)
        self._logs = LogMethods(self._reader, limits)
        self._table: MethodTable = {
            **NetworkMethods(info, self._reader, peers).table(),
            **BlockMethods(self._reader).table(),
            **StateMethods(info, self._reader, limits).table(),
            **TransactionMethods(self._reader, self.ingress).table(),
            **FeeMethods(info, self._reader, limits).table(),
            **self._logs.table(),
        }

    def table(self) -> MethodTable:
        """All methods of the chain by name."""
        return self._table

    @property
    def filter_count(self) -> int:
        """Filters that clients have installed."""
        return len(self._logs.filters)

    async def close(self) -> None:
        """Give up what waits."""
        await self.ingress.close()
        await self._reader.close()
