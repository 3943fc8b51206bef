"""The gateway of a node: both chains and the ledger.

================  ======  ==============================================
path              method  answer
================  ======  ==============================================
``/zk``           POST    JSON-RPC of the ZK chain, and ``braid_``
``/fast``         POST    JSON-RPC of the fast chain, and ``braid_``
``/``             POST    JSON-RPC: ``braid_`` only
================  ======  ==============================================
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from gateway.backend import ChainBackend, LedgerBackend
from gateway.chain import ChainGateway
from gateway.http_application import HttpApplication
from gateway.limits import Limits
from gateway.methods.ledger import LedgerMethods
from gateway.views import ChainInfo

INGRESS_THREADS: Final = 2


class Gateway(HttpApplication):
    """Serves both chains and the ledger.

    Parameters
    ----------
    chains
        Constants and backend of each chain; its name is its path.
    ledger
        Backend of the ``braid_`` methods.
    allowed_origin
        See :class:`gateway.http_application.HttpApplication`.
    """

    def __init__(
        self,
        chains: Iterable[tuple[ChainInfo, ChainBackend]],
        ledger: LedgerBackend,
        limits: Limits | None = None,
        allowed_origin: str = "*",
    ) -> None:
        limits = limits or Limits()
        self._threads = ThreadPoolExecutor(INGRESS_THREADS, thread_name_prefix="ingress")
        by_name = {
            info.name: ChainGateway(info, backend, ledger, limits, self._threads)
            for info, backend in chains
        }
        ledger_table = LedgerMethods(ledger, limits).table()
        tables = {"/": ledger_table} | {
            f"/{name}": {**chain.table(), **ledger_table} for name, chain in by_name.items()
        }
        super().__init__(tables, by_name, limits, allowed_origin)

    async def close(self) -> None:
        """Give up what waits; the application answers no more after it."""
        await super().close()
        self._threads.shutdown(wait=False)
