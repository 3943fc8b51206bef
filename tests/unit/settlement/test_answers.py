"""What L1 answers is decoded once, strictly; what it refuses has a type."""

from typing import Any

import pytest
from eth_abi.abi import encode

from execution.types import Address, Hash32
from settlement import errors, rollup
from settlement.errors import L1Refused, MalformedAnswer
from settlement.l1 import answers
from settlement.l1.answers import FeeMarket, L1Log
from settlement.l1.refusals import refusal

HASH = "0x" + "ab" * 32


@pytest.mark.parametrize(
    "value", [None, 7, "7", "0x", "0xg", "0x" + "f" * 17, "-0x1", "0x-1", True, ["0x1"], "0x 1"]
)
def test_what_is_no_quantity(value: Any) -> None:
    with pytest.raises(MalformedAnswer):
        answers.quantity(value)


def test_a_quantity() -> None:
    assert answers.quantity("0x0") == 0
    assert answers.quantity("0xffffffffffffffff") == 2**64 - 1


@pytest.mark.parametrize("value", [None, "0x1", "0xzz", "abcd", "0x" + "00" * 11, 5])
def test_what_are_no_bytes(value: Any) -> None:
    with pytest.raises(MalformedAnswer):
        answers.data(value, 10)


@pytest.mark.parametrize("value", [HASH[:-2], HASH + "00", None])
def test_what_is_no_hash(value: Any) -> None:
    with pytest.raises(MalformedAnswer):
        answers.hash32(value)


def _receipt(**changes: Any) -> dict[str, Any]:
    return {
        "transactionHash": HASH,
        "blockNumber": "0x5",
        "blockHash": HASH,
        "status": "0x1",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x1",
        "contractAddress": None,
        **changes,
    }


def test_a_receipt() -> None:
    receipt = answers.receipt(_receipt(), Hash32(bytes.fromhex(HASH[2:])))
    assert (receipt.block_number, receipt.is_success, receipt.gas_used) == (5, True, 21_000)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        _receipt(transactionHash="0x" + "cd" * 32),
        _receipt(status=None),
        _receipt(blockNumber=None),
        _receipt(contractAddress="0x12"),
    ],
)
def test_what_is_no_receipt_of_the_transaction(value: Any) -> None:
    with pytest.raises(MalformedAnswer):
        answers.receipt(value, Hash32(bytes.fromhex(HASH[2:])))


def test_a_fee_history_gives_the_next_base_fee_and_the_median_tip() -> None:
    history = {
        "baseFeePerGas": ["0x5", "0x7", "0x9"],
        "reward": [["0x3"], ["0x1"], []],
    }
    assert answers.fee_history(history) == FeeMarket(9, 3)
    assert answers.fee_history({"baseFeePerGas": ["0x5"]}) == FeeMarket(5, 0)


@pytest.mark.parametrize("value", [{}, {"baseFeePerGas": []}, {"baseFeePerGas": ["x"]}])
def test_what_is_no_fee_history(value: Any) -> None:
    with pytest.raises(MalformedAnswer):
        answers.fee_history(value)


def test_too_many_logs_are_no_answer() -> None:
    with pytest.raises(MalformedAnswer, match="3 items"):
        answers.logs([{}, {}, {}], 2)


def test_a_removed_log_is_no_answer() -> None:
    with pytest.raises(MalformedAnswer, match="reorg"):
        answers.logs([{"removed": True}], 2)


# REFUSALS


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("nonce too low: next nonce 5, tx nonce 4", errors.NonceTooLow),
        ("already known", errors.AlreadyKnown),
        ("AlreadyKnown", errors.AlreadyKnown),
        ("replacement transaction underpriced", errors.Underpriced),
        ("max fee per gas less than block base fee: ...", errors.Underpriced),
        ("insufficient funds for gas * price + value", errors.InsufficientFunds),
        ("query returned more than 10000 results", errors.TooManyResults),
        ("something else", L1Refused),
    ],
)
def test_refusals_have_a_type(message: str, kind: type[L1Refused]) -> None:
    found = refusal({"code": -32000, "message": message})
    assert type(found) is kind


def test_a_revert_has_its_reason_and_data() -> None:
    data = bytes.fromhex("08c379a0") + encode(("string",), ("batches: unknown parent",))
    for wrapped in ("0x" + data.hex(), {"data": "0x" + data.hex()}):
        found = refusal({"code": 3, "message": "execution reverted", "data": wrapped})
        assert isinstance(found, errors.CallReverted)
        assert (found.reason, found.data) == ("batches: unknown parent", data)


@pytest.mark.parametrize("data", [None, "0x", "0x123", "0xzz", "0x08c379a0ffff", 5])
def test_a_revert_without_readable_data_is_one_all_the_same(data: Any) -> None:
    found = refusal({"code": 3, "message": "execution reverted", "data": data})
    assert isinstance(found, errors.CallReverted)
    assert found.reason is None


@pytest.mark.parametrize("error", ["text", {}, {"code": "3", "message": "m"}, {"code": 1}])
def test_an_error_of_the_wrong_shape_is_malformed(error: Any) -> None:
    assert isinstance(refusal(error), MalformedAnswer)


# THE ROLLUP'S EVENTS AND VIEWS


def _log(*topics: Hash32, data: bytes = b"") -> L1Log:
    return L1Log(Address(bytes(20)), topics, data, 1, Hash32(bytes(32)), 0)


WORD = Hash32(bytes(31) + b"\x05")


def _enqueued(gas_limit: int = 7, data: bytes = b"hi", sender: Hash32 = WORD) -> L1Log:
    body = encode(("uint256", "uint256", "bytes"), (3, gas_limit, data))
    return _log(rollup.ENQUEUED, WORD, sender, WORD, data=body)


def test_a_queue_entry() -> None:
    message = rollup.decode_enqueued(_enqueued(), 271_800)  # type: ignore[arg-type]  # a chain id
    assert (message.nonce, message.value_wei, message.gas_limit, message.data) == (5, 3, 7, b"hi")


@pytest.mark.parametrize(
    "log",
    [
        _log(rollup.ENQUEUED, WORD, WORD),
        _log(WORD, WORD, WORD, WORD),
        _log(rollup.ENQUEUED, WORD, WORD, WORD, data=b"short"),
        _enqueued(gas_limit=2**64),
        _enqueued(data=bytes(8193)),
        _enqueued(sender=Hash32(b"\x01" * 32)),
        _log(rollup.ENQUEUED, Hash32(b"\xff" * 32), WORD, WORD, data=_enqueued().data),
        _log(rollup.ENQUEUED, WORD, WORD, WORD, data=_enqueued().data + bytes(32)),
    ],
)
def test_what_no_rollup_emits(log: L1Log) -> None:
    with pytest.raises(MalformedAnswer):
        rollup.decode_enqueued(log, 271_800)  # type: ignore[arg-type]  # a chain id


def test_an_unknown_event_is_passed_over() -> None:
    assert rollup.decode_batch_event(_log(WORD)) is None
    assert rollup.decode_batch_event(_log()) is None


@pytest.mark.parametrize("event", [rollup.BATCH_COMMITTED, rollup.BATCH_PROVEN])
def test_a_batch_event_of_the_wrong_shape_is_malformed(event: Hash32) -> None:
    with pytest.raises(MalformedAnswer):
        rollup.decode_batch_event(_log(event, WORD, WORD, data=b"\x01"))


@pytest.mark.parametrize("output", [b"", bytes(31), bytes(10 * 32), b"\x09" * 352])
def test_what_is_no_batch(output: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        rollup.decode_batch(output)
