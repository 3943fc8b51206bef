"""JSON-RPC to a running node, one request at a time."""

from typing import Any

import httpx


class Rpc:
    """One chain at one node, as a plain HTTP client sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(timeout=60.0)

    def request(self, method: str, *params: Any) -> dict[str, Any]:
        """Send a request; gives the whole answer."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer: dict[str, Any] = self.http.post(self.url, json=body).raise_for_status().json()
        return answer

    def result(self, method: str, *params: Any) -> Any:
        """Result of a request that succeeds."""
        answer = self.request(method, *params)
        assert "result" in answer, answer
        return answer["result"]

    def error(self, method: str, *params: Any) -> dict[str, Any]:
        """Error of a request that fails."""
        answer = self.request(method, *params)
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error

    def status(self) -> dict[str, Any]:
        """The node's ``braid_status``."""
        status: dict[str, Any] = self.result("braid_status")
        return status

    def digest(self, height: int) -> str:
        """Digest of a final ledger block."""
        return str(self.result("braid_getLedgerBlock", height)["digest"])
