import pytest
from eth_abi.abi import encode

from execution.types import CallResult
from gateway.errors import ExecutionHalted, ExecutionReverted, ServerError
from gateway.outcome import call_output, estimated_gas, revert_reason


def reverted(output: bytes) -> CallResult:
    return CallResult(is_success=False, output=output, gas_used=1)


def test_a_successful_call_gives_its_output() -> None:
    assert call_output(CallResult(True, b"\x01\x02", 1)) == "0x0102"


def test_a_revert_with_a_reason_has_code_3_the_reason_and_the_data() -> None:
    output = bytes.fromhex("08c379a0") + encode(["string"], ["no trophy"])
    with pytest.raises(ExecutionReverted, match=r"^execution reverted: no trophy$") as caught:
        call_output(reverted(output))
    assert caught.value.code == 3
    assert caught.value.data == "0x" + output.hex()


def test_a_panic_is_explained_as_geth_does() -> None:
    output = bytes.fromhex("4e487b71") + encode(["uint256"], [0x11])
    assert revert_reason(output) == "arithmetic underflow or overflow"
    assert revert_reason(bytes.fromhex("4e487b71") + encode(["uint256"], [0x99])) == (
        "unknown panic code: 0x99"
    )


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"\x08",
        bytes.fromhex("08c379a0"),
        bytes.fromhex("08c379a0") + b"\xff" * 64,
        bytes.fromhex("08c379a0") + encode(["bytes"], [b"\xff\xfe"]),
        bytes.fromhex("08c379a0") + encode(["uint256", "uint256"], [32, 2**255]),
        bytes.fromhex("4e487b71") + b"\x01",
        bytes.fromhex("deadbeef") + b"\x00" * 32,
    ],
)
def test_a_revert_with_other_or_hostile_data_has_no_reason(output: bytes) -> None:
    with pytest.raises(ExecutionReverted, match=r"^execution reverted$") as caught:
        call_output(reverted(output))
    assert caught.value.data == "0x" + output.hex()


def test_a_halt_is_not_a_revert() -> None:
    with pytest.raises(ExecutionHalted, match="invalid opcode") as caught:
        call_output(CallResult(False, b"", 1, "invalid opcode"))
    assert caught.value.code == -32000


def test_an_estimate_is_the_gas_used() -> None:
    assert estimated_gas(CallResult(True, b"", 21_000), 30_000_000) == "0x5208"


def test_an_estimate_that_never_suffices_names_the_allowance() -> None:
    with pytest.raises(ServerError, match=r"gas required exceeds allowance \(30000000\)"):
        estimated_gas(CallResult(False, b"", 1, "out of gas"), 30_000_000)
    with pytest.raises(ExecutionReverted):
        estimated_gas(reverted(b""), 30_000_000)
