"""Looks at all nodes while a scenario runs: how far they are, and what could be lost."""

import threading
from typing import Any, Final

import httpx
import ray
from ray.exceptions import RayActorError

from cluster.chaos.arena import Arena

INTERVAL_SECONDS: Final = 0.4
ANSWER_SECONDS: Final = 0.8


class Watcher:
    """Samples for the timeline, and the final blocks that nodes have told of.

    Attributes
    ----------
    told
        Digest of each final height, as some node has told it: it may never change.
    contradictions
        Where two answers differed.
    """

    def __init__(self, arena: Arena) -> None:
        self.told: dict[int, str] = {}
        self.contradictions: list[str] = []
        self._arena = arena
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._ended.set()
        self._thread.join(10 * ANSWER_SECONDS)

    def _run(self) -> None:
        with httpx.Client(timeout=ANSWER_SECONDS) as http:
            while not self._ended.wait(INTERVAL_SECONDS):
                with self._arena.ray_lock:
                    self._look_at_nodes()
                self._look_at_loss_bound(http)

    def _look_at_nodes(self) -> None:
        actors = [handles.validator for handles in self._arena.session.nodes]
        asked = [actor.status.remote() for actor in actors]
        done, _ = ray.wait(asked, num_returns=len(asked), timeout=ANSWER_SECONDS)
        for node, answer in enumerate(asked):
            found = _value(answer) if answer in done else None
            if found is None:
                self._arena.timeline.sample_node(node, None)
                continue
            height, digest = found["final_height"], found["final_digest"]
            self._arena.timeline.sample_node(node, height, found["quarantine"]["is_active"])
            if self.told.setdefault(height, digest) != digest:
                self.contradictions.append(
                    f"node {node} has block {digest[:18]} at height {height}, "
                    f"another had {self.told[height][:18]}"
                )

    def _look_at_loss_bound(self, http: httpx.Client) -> None:
        """Ask the first node that answers: the bound is a value of the ZK chain's state."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "braid_getLossBound", "params": []}
        for node in self._arena.session.network.nodes:
            try:
                answer = http.post(f"http://{node.rpc_host}:{node.rpc_port}/zk", json=body).json()
            except (httpx.HTTPError, ValueError):
                continue
            if "result" in answer:
                losses = self._arena.timeline.losses
                loss_wei = losses[-1].loss_wei if losses else 0
                self._arena.loss(loss_wei, int(answer["result"]["loss_bound_wei"]))
                return


def _value(answer: Any) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = ray.get(answer)
    except RayActorError:
        return None
    return found
