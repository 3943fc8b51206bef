"""Starts an embedded L1 and serves it."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from actors.l1.backend import L1Backend
from actors.l1.chain import L1Chain
from actors.l1.controls import BYSTANDER_ADDRESS, BYSTANDER_BALANCE_WEI, ControlMethods
from actors.l1.settings import (
    BLOCK_GAS_LIMIT,
    MIN_PRIORITY_FEE_WEI,
    TRANSACTION_GAS_LIMIT,
    Clock,
    L1Settings,
)
from gateway.chain import ChainGateway
from gateway.http_application import HttpApplication
from gateway.limits import Limits
from gateway.server import GatewayServer, start_server
from gateway.views import ChainInfo
from storage.store import Store

_LIMITS: Final = Limits(request_timeout_seconds=120.0)
"""py-evm may take long over a block, and who sent its transaction waits for it."""


class NoPeers:
    """An embedded chain is alone."""

    async def peer_count(self) -> int:
        """None."""
        return 0


class EmbeddedL1:
    """A running embedded L1."""

    def __init__(
        self,
        backend: L1Backend,
        server: GatewayServer,
        threads: ThreadPoolExecutor,
        miner: "asyncio.Task[None] | None",
    ) -> None:
        self.backend = backend
        self._threads = threads
        self._server = server
        self._miner = miner
        self.is_running = True

    @property
    def url(self) -> str:
        """JSON-RPC endpoint."""
        return self._server.url

    @property
    def port(self) -> int:
        """Port that it listens on."""
        return self._server.port

    async def stop(self) -> None:
        """Answer no more and close the database."""
        self.is_running = False
        if self._miner is not None:
            self._miner.cancel()
            await asyncio.wait([self._miner])
        await self._server.stop()
        await self.backend.close()
        self._threads.shutdown(wait=False)


async def start_embedded_l1(
    directory: Path,
    settings: L1Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock = time.time,
) -> EmbeddedL1:
    """Open or create the chain in a directory and serve it; port 0 picks a free one.

    Raises
    ------
    WrongStore, StorageLockedError, ServerStartError
    """
    if settings.has_controls:
        balances = {**settings.balances_wei, BYSTANDER_ADDRESS: BYSTANDER_BALANCE_WEI}
        settings = replace(settings, balances_wei=balances)
    chain = await asyncio.to_thread(_open_chain, directory, settings, int(clock()))
    backend = L1Backend(chain, clock, is_automatic=settings.is_instant)
    threads = ThreadPoolExecutor(1, thread_name_prefix="l1-ingress")
    info = ChainInfo(
        name="l1",
        chain_id=settings.chain_id,
        gas_limit=BLOCK_GAS_LIMIT,
        is_base_fee_zero=False,
        min_priority_fee_wei=MIN_PRIORITY_FEE_WEI,
        transaction_gas_limit=TRANSACTION_GAS_LIMIT,
    )
    gateway = ChainGateway(info, backend, NoPeers(), _LIMITS, threads)
    table = dict(gateway.table())
    if settings.has_controls:
        table |= ControlMethods(backend).table()
    try:
        server = await start_server(
            HttpApplication({"/": table}, {"l1": gateway}, _LIMITS), host, port
        )
    except BaseException:
        await backend.close()
        raise
    miner = None
    if settings.block_interval_seconds is not None:
        miner = asyncio.create_task(_mine_forever(backend, settings.block_interval_seconds))
    return EmbeddedL1(backend, server, threads, miner)


def _open_chain(directory: Path, settings: L1Settings, start_seconds: int) -> L1Chain:
    store = Store(directory)
    try:
        return L1Chain(settings, store, start_seconds)
    except BaseException:
        store.close()
        raise


async def _mine_forever(backend: L1Backend, interval_seconds: float) -> None:
    while True:
        await asyncio.sleep(interval_seconds)
        await backend.run(backend.mine_one)
