import pytest

from execution.types import Address, CallRequest, Hash32
from gateway import params as read
from gateway.errors import InvalidParams
from gateway.params import BlockHash, BlockTag, Params

ADDRESS = "0x" + "ab" * 20
HASH = "0x" + "cd" * 32


@pytest.mark.parametrize(
    ("value", "number"),
    [("0x0", 0), ("0x10", 16), ("0X1F", 31), ("0x00ff", 255), (7, 7), ("0x" + "f" * 16, 2**64 - 1)],
)
def test_a_quantity_is_hex_or_a_json_integer(value: object, number: int) -> None:
    assert read.quantity(value) == number


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0x",
        "10",
        "0xg",
        "0x-1",
        "-0x1",
        "0x1_0",
        "0x 1",
        "0x" + "f" * 17,
        "0x" + "0" * 100_000 + "1",
        -1,
        2**64,
        1.0,
        1e300,
        True,
        None,
        [],
        {},
    ],
)
def test_anything_else_is_no_quantity(value: object) -> None:
    with pytest.raises(InvalidParams):
        read.quantity(value)


def test_a_slot_may_be_padded_to_32_bytes_and_fill_them() -> None:
    assert read.storage_slot("0x" + "00" * 31 + "07") == 7
    assert read.storage_slot("0x" + "ff" * 32) == 2**256 - 1


def test_a_slot_of_33_bytes_is_refused() -> None:
    with pytest.raises(InvalidParams):
        read.storage_slot("0x00" + "ff" * 32)


def test_data_is_hex_with_an_even_number_of_digits() -> None:
    assert read.data("0x") == b""
    assert read.data("0xAbCd") == b"\xab\xcd"


@pytest.mark.parametrize(
    "value", ["", "abcd", "0xabc", "0xzz", "0xab cd", "0x ab", "0xab\n", 5, None]
)
def test_anything_else_is_no_data(value: object) -> None:
    with pytest.raises(InvalidParams):
        read.data(value)


def test_an_address_has_20_bytes_and_a_hash_32() -> None:
    assert read.address(ADDRESS) == b"\xab" * 20
    assert read.hash32(HASH) == b"\xcd" * 32


@pytest.mark.parametrize("value", [HASH, "0x", "0x" + "ab" * 19, "ab" * 20, {}, 1])
def test_an_address_of_another_length_or_type_is_refused(value: object) -> None:
    with pytest.raises(InvalidParams):
        read.address(value)


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        (None, BlockTag.LATEST),
        ("safe", BlockTag.SAFE),
        ("finalized", BlockTag.FINALIZED),
        ("earliest", BlockTag.EARLIEST),
        ("pending", BlockTag.PENDING),
        ("0x5", 5),
        (5, 5),
        (HASH, BlockHash(Hash32(b"\xcd" * 32))),
        ({"blockHash": HASH}, BlockHash(Hash32(b"\xcd" * 32))),
        ({"blockNumber": "0x5"}, 5),
    ],
)
def test_a_block_is_named_by_tag_number_or_hash(value: object, reference: object) -> None:
    assert read.block_reference(value) == reference


@pytest.mark.parametrize(
    "value", ["newest", "LATEST", "", {}, {"blockHash": "0x1"}, [], True, "0x" + "f" * 20]
)
def test_anything_else_names_no_block(value: object) -> None:
    with pytest.raises(InvalidParams):
        read.block_reference(value)


def test_a_call_takes_its_data_from_either_field() -> None:
    with_data = read.call_request({"to": ADDRESS, "data": "0x01"}, gas_cap=100)
    with_input = read.call_request({"to": ADDRESS, "input": "0x01"}, gas_cap=100)
    assert with_data == with_input
    assert with_data == CallRequest(read.ZERO_ADDRESS, Address(b"\xab" * 20), b"\x01")


def test_a_call_with_two_different_data_fields_is_refused() -> None:
    with pytest.raises(InvalidParams, match="not equal"):
        read.call_request({"data": "0x01", "input": "0x02"}, gas_cap=100)


def test_gas_above_the_cap_is_lowered_to_it() -> None:
    assert read.call_request({"gas": "0xffffff"}, gas_cap=100).gas_limit == 100
    assert read.call_request({"gas": "0x5"}, gas_cap=100).gas_limit == 5
    assert read.call_request({}, gas_cap=100).gas_limit is None


def test_a_call_with_two_kinds_of_price_is_refused() -> None:
    assert read.call_request({"maxFeePerGas": "0x2"}, gas_cap=1).gas_price_wei == 2
    with pytest.raises(InvalidParams, match="both gasPrice"):
        read.call_request({"gasPrice": "0x1", "maxFeePerGas": "0x2"}, gas_cap=1)


def test_parameters_are_an_array_or_absent() -> None:
    assert Params(None).optional(0) is None
    assert Params([1]).required(0) == 1
    with pytest.raises(InvalidParams, match="array"):
        Params({"a": 1})


def test_a_missing_and_a_superfluous_parameter_are_named() -> None:
    with pytest.raises(InvalidParams, match="required argument 1"):
        Params([1]).required(1)
    with pytest.raises(InvalidParams, match="at most 1"):
        Params([1, 2]).at_most(1)
