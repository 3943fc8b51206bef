"""Does a network go on, and do its nodes agree? ``python smoke.py URL ...``; exit code 0 if so.

Each URL is a node's JSON-RPC. Asked: are both chains answering; does the final height grow; is the
newest ledger block that all have the same one.
"""

import sys
import time

import httpx

TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.5


class Failed(Exception):
    """What is wrong, as a sentence."""


class Node:
    """A node as its users see it."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(timeout=10.0)

    def ask(self, method: str, *params: object) -> dict[str, object]:
        """Result of a JSON-RPC method.

        Raises
        ------
        Failed
            If the node is away, or refuses.
        """
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            answer = self._http.post(self.url + "/", json=body).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Failed(f"{self.url} does not answer {method}: {error}") from error
        result = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(result, dict):
            raise Failed(f"{self.url} answers {method} with {str(answer)[:200]}")
        return result

    def require_health(self) -> None:
        """Both chains answer.

        Raises
        ------
        Failed
            If one does not.
        """
        try:
            answer = self._http.get(self.url + "/health")
        except httpx.HTTPError as error:
            raise Failed(f"{self.url} does not answer: {error}") from error
        if answer.status_code != httpx.codes.OK:
            raise Failed(f"{self.url} is not healthy: {answer.text[:200]}")

    def final_height(self) -> int:
        """Height of the newest final ledger block."""
        return int(str(self.ask("braid_status")["final_height"]))

    def digest(self, height: int) -> str:
        """Digest of a final ledger block."""
        return str(self.ask("braid_getLedgerBlock", height)["digest"])


def check(nodes: list[Node], timeout_seconds: float = TIMEOUT_SECONDS) -> int:
    """Gives the height at which all agree, higher than any node was at the start.

    Raises
    ------
    Failed
        If a node is away or not healthy, the ledger stands still, or two blocks differ.
    """
    for node in nodes:
        node.require_health()
    target = max(node.final_height() for node in nodes) + 1
    deadline = time.monotonic() + timeout_seconds
    waiting = list(nodes)
    while waiting := [node for node in waiting if node.final_height() < target]:
        if time.monotonic() > deadline:
            urls = ", ".join(node.url for node in waiting)
            raise Failed(f"height {target} is not final after {timeout_seconds:.0f} s at {urls}")
        time.sleep(POLL_SECONDS)
    digests = {node.url: node.digest(target) for node in nodes}
    if len(set(digests.values())) != 1:
        raise Failed(f"the nodes have different blocks at height {target}: {digests}")
    return target


def main(urls: list[str]) -> int:
    """Run the check and say what came of it."""
    if not urls:
        print("usage: python smoke.py URL ...", file=sys.stderr)  # noqa: T201
        return 2
    try:
        height = check([Node(url) for url in urls])
    except Failed as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"{len(urls)} nodes agree at height {height}, and go on")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
