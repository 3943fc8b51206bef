"""JSON-RPC 2.0: from a request body to a response body.

Whatever comes in, a JSON-RPC response goes out (or nothing, for notifications).
Requests of a batch run at the same time and are answered in their order.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from gateway.backend import Json
from gateway.errors import (
    BackendError,
    BackendOverloaded,
    InternalError,
    InvalidRequest,
    LimitExceeded,
    MethodNotFound,
    ParseError,
    RequestTimedOut,
    RpcError,
    ServerError,
)
from gateway.limits import Limits
from gateway.methods.table import MethodTable
from gateway.params import Params
from gateway.status import Counters

logger = logging.getLogger(__name__)

MAX_METHOD_CHARACTERS: Final = 64

Response = dict[str, Any]


@dataclass(slots=True)
class _Pending:
    """One request of a body: its answer is known at once, or comes from ``work``."""

    request_id: Json
    is_notification: bool
    work: "asyncio.Future[Any] | None"
    error: RpcError | None


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
            responses = await self._answer_all([request])
            return _encoded(responses[0]) if responses else b""
        if not request:
            return self._refusal(InvalidRequest("empty batch"))
        if len(request) > self._limits.batch_requests:
            limit = self._limits.batch_requests
            return self._refusal(InvalidRequest(f"batch too large: at most {limit} requests"))
        responses = await self._answer_all(request)
        return b"[" + b",".join(map(_encoded, responses)) + b"]" if responses else b""

    def _refusal(self, error: RpcError) -> bytes:
        self._counters.count_error(error)
        return _encoded(_failed(None, error))

    async def _answer_all(self, requests: Sequence[Any]) -> list[Response]:
        if self._in_flight + len(requests) > self._limits.requests_in_flight:
            busy = LimitExceeded("the node is busy: too many requests run; try again later")
            self._counters.count_error(busy)
            return [_failed(_id_of(request), busy) for request in requests]
        self._in_flight += len(requests)
        pending = [self._start(request) for request in requests]
        running = [item.work for item in pending if item.work is not None]
        try:
            if running:
                await asyncio.wait(running, timeout=self._limits.request_timeout_seconds)
        finally:
            self._in_flight -= len(requests)
            for work in running:
                work.cancel()
        responses = [self._finish(item) for item in pending]
        return [response for response in responses if response is not None]

    def _start(self, request: Any) -> _Pending:
        """Check one request and start its method."""
        request_id = _id_of(request)
        is_notification = False
        try:
            method, params = _checked(request)
            is_notification = "id" not in request
            handler = self._methods.get(method)
            if handler is None:
                name = method[:MAX_METHOD_CHARACTERS]
                raise MethodNotFound(f"the method {name} does not exist/is not available")
            self._counters.count_request(method)
            return _Pending(
                request_id, is_notification, asyncio.ensure_future(handler(params)), None
            )
        except RpcError as error:
            return _Pending(request_id, is_notification, None, error)

    def _finish(self, item: _Pending) -> Response | None:
        outcome = item.error if item.work is None else self._outcome(item.work)
        if isinstance(outcome, RpcError):
            self._counters.count_error(outcome)
        if item.is_notification:
            return None
        if isinstance(outcome, RpcError):
            return _failed(item.request_id, outcome)
        return {"jsonrpc": "2.0", "id": item.request_id, "result": outcome}

    def _outcome(self, work: "asyncio.Future[Any]") -> Any:
        """A method's result, or the error for what it raised."""
        is_unfinished = not work.done() or work.cancelled()
        if is_unfinished:
            seconds = self._limits.request_timeout_seconds
            return RequestTimedOut(f"request timed out after {seconds:g} s")
        raised = work.exception()
        if raised is None:
            return work.result()
        if isinstance(raised, RpcError):
            return raised
        if isinstance(raised, BackendOverloaded):
            return LimitExceeded(str(raised) or "the node is busy; try again later")
        if isinstance(raised, BackendError):
            return ServerError(str(raised) or "the node cannot answer now; try again later")
        logger.error("a method failed", exc_info=raised)
        return InternalError("internal error")


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


def _failed(request_id: Json, error: RpcError) -> Response:
    body: dict[str, Json] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": request_id, "error": body}


def _encoded(response: Response) -> bytes:
    try:
        return orjson.dumps(response)
    except orjson.JSONEncodeError as error:
        logger.error("an answer is not JSON", exc_info=error)
        return orjson.dumps(_failed(response["id"], InternalError("internal error")))
