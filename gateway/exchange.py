"""The requests of one HTTP body on their way: started together, answered in their order.

Each answer is encoded as soon as it is there, so that a body whose answers grow
too long is cut off before they all lie in memory.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from gateway.backend import Json
from gateway.errors import (
    BackendError,
    BackendOverloaded,
    InternalError,
    LimitExceeded,
    RequestTimedOut,
    RpcError,
    ServerError,
)
from gateway.limits import Limits
from gateway.status import Counters

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Started:
    """A request that has been checked: refused with ``error``, or running as ``work``."""

    request_id: Json
    is_notification: bool
    work: "asyncio.Future[Any] | None"
    error: RpcError | None


class Exchange:
    """Collects the encoded answers to one body's requests."""

    def __init__(self, started: Sequence[Started], limits: Limits, counters: Counters) -> None:
        self._started = started
        self._limits = limits
        self._counters = counters
        self._answers: list[bytes] = [b""] * len(started)
        self._size_bytes = 0
        self._unfinished = 0
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._cut_off: RpcError | None = None

    async def answers(self) -> list[bytes]:
        """Wait for all requests; gives the answers in order, none for notifications."""
        for index, item in enumerate(self._started):
            if item.work is None:
                self._settle(index, item, item.error)
            else:
                self._unfinished += 1
                item.work.add_done_callback(partial(self._on_done, index, item))
        if self._unfinished:
            timer = asyncio.get_running_loop().call_later(
                self._limits.request_timeout_seconds, self._time_out
            )
            try:
                await self._finished
            finally:
                timer.cancel()
                self._cancel_all()
        return [answer for answer in self._answers if answer]

    def _on_done(self, index: int, item: Started, work: "asyncio.Future[Any]") -> None:
        self._settle(index, item, self._outcome(work))
        self._unfinished -= 1
        if self._unfinished == 0 and not self._finished.done():
            self._finished.set_result(None)

    def _settle(self, index: int, item: Started, outcome: Any) -> None:
        if isinstance(outcome, RpcError):
            self._counters.count_error(outcome)
        if item.is_notification:
            return
        answer = encode_answer(item.request_id, outcome)
        self._answers[index] = answer
        self._size_bytes += len(answer)
        is_first_excess = self._size_bytes > self._limits.response_bytes and self._cut_off is None
        if is_first_excess:
            self._cut_off = LimitExceeded("response too large: ask for less in one batch")
            self._cancel_all()

    def _time_out(self) -> None:
        seconds = self._limits.request_timeout_seconds
        self._cut_off = self._cut_off or RequestTimedOut(f"request timed out after {seconds:g} s")
        self._cancel_all()

    def _cancel_all(self) -> None:
        for item in self._started:
            if item.work is not None:
                item.work.cancel()

    def _outcome(self, work: "asyncio.Future[Any]") -> Any:
        """A method's result, or the error for what it raised."""
        if work.cancelled():
            return self._cut_off or ServerError("the node is shutting down")
        raised = work.exception()
        return work.result() if raised is None else error_for(raised)


def error_for(raised: BaseException) -> RpcError:
    """The error that a client sees for what a method raised."""
    if isinstance(raised, RpcError):
        return raised
    if isinstance(raised, BackendOverloaded):
        return LimitExceeded(str(raised) or "the node is busy; try again later")
    if isinstance(raised, BackendError):
        return ServerError(str(raised) or "the node cannot answer now; try again later")
    logger.error("a method failed", exc_info=raised)
    return InternalError("internal error")


def encode_answer(request_id: Json, outcome: Any) -> bytes:
    """JSON-RPC response for a result or an :class:`RpcError`."""
    if isinstance(outcome, RpcError):
        error: dict[str, Json] = {"code": outcome.code, "message": outcome.message}
        if outcome.data is not None:
            error["data"] = outcome.data
        return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": error})
    try:
        return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "result": outcome})
    except orjson.JSONEncodeError as raised:
        return encode_answer(request_id, error_for(raised))
