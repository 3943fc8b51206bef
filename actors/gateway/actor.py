"""The gateway as a Ray actor."""

import asyncio
from typing import Any

import ray

from actors.boot import die_if_failed, load_genesis
from actors.calls import ActorLink
from actors.config import NodeConfig
from actors.gateway.chain_backend import ChainBackend
from actors.gateway.ledger_backend import LedgerBackend
from actors.gateway.proven import ProvenBlock
from actors.logs import configure_logs
from gateway.application import Gateway
from gateway.server import GatewayServer, start_server
from gateway.views import ChainInfo
from ledger.types import ChainRole


@ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=1000)
class GatewayActor:
    """Serves JSON-RPC."""

    def __init__(self, config: NodeConfig) -> None:
        configure_logs(config, "gateway")
        genesis = load_genesis(config)
        validator = ActorLink(config.actor_name("validator"))
        settlement = None if config.l1 is None else ActorLink(config.actor_name("settlement"))
        proven = {} if settlement is None else {ChainRole.ZK: ProvenBlock(settlement)}
        executors = {role: ActorLink(config.executor_name(role)) for role in ChainRole}
        backends = {
            role: ChainBackend(role, executors[role], validator, proven.get(role))
            for role in ChainRole
        }
        chains = [
            (
                ChainInfo(
                    name=role.name.lower(),
                    chain_id=genesis.chain(role).chain_id,
                    gas_limit=genesis.chain(role).gas_limit,
                    is_base_fee_zero=genesis.chain(role).is_base_fee_zero,
                ),
                backends[role],
            )
            for role in ChainRole
        ]
        self._gateway = Gateway(
            chains, LedgerBackend(validator, backends[ChainRole.ZK], settlement)
        )
        self._server: asyncio.Task[GatewayServer] = asyncio.get_running_loop().create_task(
            start_server(self._gateway, config.rpc_host, config.rpc_port)
        )
        self._server.add_done_callback(die_if_failed)
        links = [validator, *executors.values(), *([] if settlement is None else [settlement])]
        self._settling = asyncio.gather(*(link.settle() for link in links))

    async def ready(self) -> str:
        """The server's address, once it listens."""
        return (await asyncio.shield(self._server)).url

    async def status(self) -> dict[str, Any]:
        """Counts of requests and errors."""
        return dict(self._gateway.status())

    async def stop(self) -> None:
        """Finish what runs and close; no call follows."""
        await (await self._server).stop()
