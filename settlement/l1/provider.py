"""A web3.py provider over HTTP that bounds what it reads."""

import asyncio
from typing import Any, Final, cast

import httpx
import orjson
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from settlement.errors import L1Down, MalformedAnswer

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
DEFAULT_TIMEOUT_SECONDS: Final = 30.0

_TROUBLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that go away by waiting."""


class BoundedHttpProvider(AsyncJSONBaseProvider):
    """One JSON-RPC endpoint; also the provider of an ``AsyncWeb3``.

    Parameters
    ----------
    timeout_seconds
        For a whole request.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        super().__init__()
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._http = httpx.AsyncClient(
            timeout=timeout_seconds,
            headers={"content-type": "application/json", "accept-encoding": "identity"},
            trust_env=False,
        )

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Send one request.

        Raises
        ------
        L1Down
            If there is no answer.
        MalformedAnswer
            If the answer is no JSON object, or too long.
        """
        body = self.encode_rpc_request(method, params)
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._http.stream("POST", self._url, content=body) as response,
            ):
                raw = await self._read(response)
                status = response.status_code
        except (httpx.TransportError, httpx.InvalidURL, TimeoutError) as error:
            raise L1Down(f"{method}: {type(error).__name__} {error}".rstrip()) from error
        if status in _TROUBLE:
            raise L1Down(f"{method}: HTTP status {status}")
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise MalformedAnswer(f"{method}: not JSON (HTTP status {status})") from error
        if not isinstance(answer, dict):
            raise MalformedAnswer(f"{method}: expected a JSON object")
        return cast(RPCResponse, answer)

    async def disconnect(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _read(self, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > self._max_answer_bytes:
                raise MalformedAnswer(f"an answer of more than {self._max_answer_bytes} bytes")
            parts.append(part)
        return b"".join(parts)
