"""The network between the nodes of an arena: a proxy for each pair that dials."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import permutations
from random import Random
from typing import Final, TypeVar

from cluster.chaos.proxy import HEALTHY, Direction, LinkFault, LinkProxy
from cluster.network import Network

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 10.0
Way = tuple[int, int]
"""From one node to another."""
T = TypeVar("T")


class Links:
    """Proxies between all nodes, run by a thread of their own.

    ``there`` of the proxy from *a* to *b* carries what *a* sends if *a* dialled, and ``back`` of
    the proxy from *b* to *a* carries it if *b* did; a fault is always set on both.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._proxies: dict[Way, LinkProxy] = {}

    def through(self, network: Network) -> Network:
        """Start the proxies; gives the network with nodes that dial each other through them."""
        for dialer, listener in permutations(range(len(network.nodes)), 2):
            listen = network.nodes[listener].listen
            self.add((dialer, listener), listen.host, listen.port)
        nodes = tuple(
            replace(
                node,
                peers=tuple(
                    replace(peer, host=HOST, port=self._proxies[node.index, peer.index].port)
                    for peer in node.peers
                ),
            )
            for node in network.nodes
        )
        return replace(network, nodes=nodes)

    def add(self, way: Way, host: str, port: int) -> int:
        """A new proxy on a way that leads to a host and a port; gives where to dial it."""
        if not self._thread.is_alive():
            self._thread.start()
        random = Random(f"{self._seed}/{way[0]}/{way[1]}")
        proxy = self._proxies[way] = self._call(partial(LinkProxy, host, port, random))
        asyncio.run_coroutine_threadsafe(proxy.start(), self._loop).result(START_SECONDS)
        return proxy.port

    def close(self) -> None:
        """Cut everything and end the thread."""
        closing = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
        closing.result(START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    # FAULTS

    def set_fault(self, fault: LinkFault, ways: Iterable[Way] | None = None) -> None:
        """Have the same happen on some ways, or on all."""
        chosen = list(self._proxies if ways is None else ways)

        def set_all() -> None:
            for way in chosen:
                for direction in self._of(way):
                    direction.set_fault(fault)

        self._call(set_all)

    def partition(self, *groups: Iterable[int]) -> None:
        """Swallow everything between nodes of different groups."""
        group_of = {node: number for number, group in enumerate(groups) for node in group}
        self.set_fault(
            LinkFault(is_swallowed=True),
            [(a, b) for a, b in self._proxies if group_of[a] != group_of[b]],
        )

    def swallow(self, *ways: Way) -> None:
        """Swallow everything on these ways and nothing on the ways back."""
        self.set_fault(LinkFault(is_swallowed=True), ways)

    def aim(self, way: Way, target: tuple[str, int] | None) -> None:
        """Have a way lead elsewhere, or nowhere."""
        self._call(lambda: self._proxies[way].aim(target))

    def cut(self, ways: Iterable[Way] | None = None) -> int:
        """Cut connections; gives how many there were."""
        chosen = list(self._proxies) if ways is None else list(ways)
        return self._call(lambda: sum(len(self._proxies[way].cut()) for way in chosen))

    def heal(self) -> None:
        """Carry everything again; connections that were held up are cut, as they are dead above."""
        held = [
            way for way in self._proxies if any(one.fault.is_swallowed for one in self._both(way))
        ]
        self.cut(held)
        self.set_fault(HEALTHY)

    def stalls(self) -> int:
        """How many chunks had to wait for a retransmission so far."""
        return sum(one.stalls for way in self._proxies for one in self._both(way))

    def _of(self, way: Way) -> tuple[Direction, Direction]:
        sender, receiver = way
        return self._proxies[sender, receiver].there, self._proxies[receiver, sender].back

    def _both(self, way: Way) -> tuple[Direction, Direction]:
        return self._proxies[way].there, self._proxies[way].back

    async def _close(self) -> None:
        await asyncio.gather(*(proxy.close() for proxy in self._proxies.values()))

    def _call(self, function: Callable[[], T]) -> T:
        """Run a function in the thread of the proxies."""

        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(START_SECONDS)
