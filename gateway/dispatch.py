"""JSON-RPC 2.0: from a request body to a response body.

Whatever comes in, a JSON-RPC response goes out (or nothing, for notifications).
Requests of a batch run at the same time and are answered in their order.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import orjson

from gateway.backend import Json
from gateway.errors import (
    InvalidRequest,
    LimitExceeded,
    MethodNotFound,
    ParseError,
    RpcError,
)
from gateway.exchange import Exchange, Started, encode_answer
from gateway.limits import Limits
from gateway.methods.table import MethodTable
from gateway.params import Params
from gateway.status import Counters

MAX_METHOD_CHARACTERS: Final = 64


class Dispatcher:
    """Answers the JSON-RPC requests of one path."""

    def __init__(self, methods: MethodTable, limits: Limits, counters: Counters) -> None:
        self._methods = methods
        self._limits = limits
        self._counters = counters
        self._in_flight = 0

    async def answer(self, body: bytes) -> bytes:
        """Answer a body; the result is empty if it held notifications only."""
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return self._refusal(ParseError(f"parse error: {error}"))
        if not isinstance(request, list):
            return b"".join(await self._answer_all([request]))
        if not request:
            return self._refusal(InvalidRequest("empty batch"))
        if len(request) > self._limits.batch_requests:
            limit = self._limits.batch_requests
            return self._refusal(InvalidRequest(f"batch too large: at most {limit} requests"))
        answers = await self._answer_all(request)
        return b"[" + b",".join(answers) + b"]" if answers else b""

    def _refusal(self, error: RpcError) -> bytes:
        self._counters.count_error(error)
        return encode_answer(None, error)

    async def _answer_all(self, requests: Sequence[Any]) -> list[bytes]:
        if self._in_flight + len(requests) > self._limits.requests_in_flight:
            busy = LimitExceeded("the node is busy: too many requests run; try again later")
            self._counters.count_error(busy)
            return [encode_answer(_id_of(request), busy) for request in requests]
        self._in_flight += len(requests)
        try:
            started = [self._start(request) for request in requests]
            return await Exchange(started, self._limits, self._counters).answers()
        finally:
            self._in_flight -= len(requests)

    def _start(self, request: Any) -> Started:
        """Check one request and start its method."""
        is_notification = False
        try:
            method, params = _checked(request)
            is_notification = "id" not in request
            handler = self._methods.get(method)
            if handler is None:
                name = method[:MAX_METHOD_CHARACTERS]
                raise MethodNotFound(f"the method {name} does not exist/is not available")
            self._counters.count_request(method)
            work = asyncio.ensure_future(handler(params))
        except RpcError as error:
            return Started(_id_of(request), is_notification, None, error)
        return Started(_id_of(request), is_notification, work, None)


def _checked(request: Any) -> tuple[str, Params]:
    """Method and parameters of a well-formed request."""
    if not isinstance(request, dict):
        raise InvalidRequest("a request has to be an object")
    if request.get("jsonrpc") != "2.0":
        raise InvalidRequest('expected "jsonrpc": "2.0"')
    has_valid_id = isinstance(request.get("id"), (str, int, float, type(None))) and not isinstance(
        request.get("id"), bool
    )
    if not has_valid_id:
        raise InvalidRequest("id has to be a string, a number or null")
    method = request.get("method")
    if not isinstance(method, str):
        raise InvalidRequest("method has to be a string")
    return method, Params(request.get("params"))


def _id_of(request: Any) -> Json:
    """The id to answer with: null where there is no valid one."""
    request_id = request.get("id") if isinstance(request, dict) else None
    is_valid = isinstance(request_id, (str, int, float)) and not isinstance(request_id, bool)
    return request_id if is_valid else None
