import asyncio
from typing import Any

import orjson
import pytest

from gateway.backend import Json
from gateway.dispatch import Dispatcher
from gateway.errors import BackendOverloaded, ExecutionReverted, StateUnavailable
from gateway.limits import Limits
from gateway.params import Params
from gateway.status import Counters


async def echo(params: Params) -> Json:
    result: Json = params.required(0)
    return result


async def hang(params: Params) -> Json:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def revert(params: Params) -> Json:
    raise ExecutionReverted("execution reverted: no", "0x08c379a0")


async def overloaded(params: Params) -> Json:
    raise BackendOverloaded("mempool busy")


async def unavailable(params: Params) -> Json:
    raise StateUnavailable(7)


async def defect(params: Params) -> Json:
    raise ZeroDivisionError("secret detail")


async def unserialisable(params: Params) -> Json:
    return 2**70


METHODS = {
    "echo": echo,
    "hang": hang,
    "revert": revert,
    "overloaded": overloaded,
    "unavailable": unavailable,
    "defect": defect,
    "unserialisable": unserialisable,
}


class Endpoint:
    def __init__(self, limits: Limits) -> None:
        self.counters = Counters()
        self._dispatcher = Dispatcher(METHODS, limits, self.counters)

    async def post(self, body: bytes) -> Any:
        answer = await self._dispatcher.answer(body)
        return orjson.loads(answer) if answer else None

    async def call(self, method: str, *params: Any) -> Any:
        return await self.post(orjson.dumps(request(method, *params)))

    @property
    def errors(self) -> dict[str, int]:
        return dict(self.counters.status()["errors"])


def request(method: str, *params: Any, request_id: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": list(params)}


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint(Limits(batch_requests=5, request_timeout_seconds=0.2))


async def test_a_request_is_answered_under_its_id(endpoint: Endpoint) -> None:
    for request_id in (1, "a", 2.5, None):
        body = orjson.dumps(request("echo", "hello", request_id=request_id))
        assert await endpoint.post(body) == {"jsonrpc": "2.0", "id": request_id, "result": "hello"}


async def test_a_batch_is_answered_in_its_order_failures_in_place(endpoint: Endpoint) -> None:
    batch = [request("echo", index, request_id=index) for index in range(3)]
    batch[1]["method"] = "nothing"
    answers = await endpoint.post(orjson.dumps(batch))
    assert [answer["id"] for answer in answers] == [0, 1, 2]
    assert [answer.get("result") for answer in answers] == [0, None, 2]
    assert answers[1]["error"]["code"] == -32601


async def test_a_notification_is_not_answered(endpoint: Endpoint) -> None:
    silent = {"jsonrpc": "2.0", "method": "echo", "params": [1]}
    assert await endpoint.post(orjson.dumps(silent)) is None
    assert await endpoint.post(orjson.dumps([silent, silent])) is None
    assert len(await endpoint.post(orjson.dumps([silent, request("echo", 1)]))) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b'{"jsonrpc": "2.0", "id": NaN}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b'"\\ud800"',
        b"\x00" * 1000,
    ],
)
async def test_what_is_not_json_is_a_parse_error(endpoint: Endpoint, body: bytes) -> None:
    answer = await endpoint.post(body)
    assert answer["error"]["code"] == -32700
    assert answer["id"] is None
    assert endpoint.errors == {"parse_error": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"1",
        b'"eth_chainId"',
        b"[]",
        b"{}",
        b'{"id": 1, "method": "echo", "params": [1]}',
        b'{"jsonrpc": "1.0", "id": 1, "method": "echo"}',
        b'{"jsonrpc": "2.0", "id": 1}',
        b'{"jsonrpc": "2.0", "id": 1, "method": 5}',
        b'{"jsonrpc": "2.0", "id": 1, "method": ["echo"]}',
        b'{"jsonrpc": "2.0", "id": {}, "method": "echo", "params": [1]}',
        b'{"jsonrpc": "2.0", "id": [1], "method": "echo", "params": [1]}',
        b'{"jsonrpc": "2.0", "id": true, "method": "echo", "params": [1]}',
    ],
)
async def test_json_that_is_no_request_is_an_invalid_request(
    endpoint: Endpoint, body: bytes
) -> None:
    answer = await endpoint.post(body)
    assert answer["error"]["code"] == -32600
    assert endpoint.errors == {"invalid_request": 1}


async def test_each_bad_item_of_a_batch_is_answered(endpoint: Endpoint) -> None:
    answers = await endpoint.post(b'[1, null, [], {"jsonrpc": "2.0", "id": 9}]')
    assert [answer["error"]["code"] for answer in answers if answer] == [-32600] * 4
    assert [answer["id"] for answer in answers] == [None, None, None, 9]


async def test_a_batch_beyond_the_limit_is_refused_as_a_whole(endpoint: Endpoint) -> None:
    fits = [request("echo", 1)] * 5
    assert len(await endpoint.post(orjson.dumps(fits))) == 5
    answer = await endpoint.post(orjson.dumps([*fits, request("echo", 1)]))
    assert answer["error"] == {"code": -32600, "message": "batch too large: at most 5 requests"}


async def test_parameters_that_are_no_array_are_invalid(endpoint: Endpoint) -> None:
    for params in ({"a": 1}, "x", 1, True):
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": params})
        assert (await endpoint.post(body))["error"]["code"] == -32602


async def test_an_endless_method_name_is_not_sent_back(endpoint: Endpoint) -> None:
    answer = await endpoint.call("x" * 100_000)
    assert answer["error"]["code"] == -32601
    assert len(answer["error"]["message"]) < 200


async def test_a_method_that_hangs_times_out_alone(endpoint: Endpoint) -> None:
    answers = await endpoint.post(orjson.dumps([request("hang"), request("echo", 1)]))
    assert answers[0]["error"]["code"] == -32002
    assert answers[1]["result"] == 1
    assert endpoint.errors == {"timed_out": 1}


async def test_a_batch_whose_answers_grow_too_long_is_cut_off() -> None:
    endpoint = Endpoint(Limits(response_bytes=2500))
    batch = [request("echo", "x" * 1000, request_id=index) for index in range(3)]
    batch.append(request("hang", request_id=3))
    answers = await endpoint.post(orjson.dumps(batch))
    assert [answer["id"] for answer in answers] == [0, 1, 2, 3]
    assert answers[0]["result"] == "x" * 1000
    assert answers[3]["error"]["code"] == -32005
    assert endpoint.errors == {"limit_exceeded": 1}


async def test_requests_beyond_the_limit_in_flight_are_refused_until_others_end() -> None:
    endpoint = Endpoint(Limits(requests_in_flight=1, request_timeout_seconds=0.2))
    hanging = asyncio.ensure_future(endpoint.call("hang"))
    await asyncio.sleep(0)
    assert (await endpoint.call("echo", 1))["error"]["code"] == -32005
    await hanging
    assert (await endpoint.call("echo", 1))["result"] == 1


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("revert", {"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"}),
        ("overloaded", {"code": -32005, "message": "mempool busy"}),
        (
            "unavailable",
            {
                "code": -32000,
                "message": "state of block 7 is not available on this node; ask for a newer block",
            },
        ),
    ],
)
async def test_a_failure_has_its_code_message_and_data(
    endpoint: Endpoint, method: str, error: dict[str, Any]
) -> None:
    assert (await endpoint.call(method))["error"] == error


@pytest.mark.parametrize("method", ["defect", "unserialisable"])
async def test_a_defect_is_an_internal_error_without_details(
    endpoint: Endpoint, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await endpoint.call(method))["error"] == {"code": -32603, "message": "internal error"}
    assert len(caplog.records) == 1
