"""Transactions that the node refuses, in geth's words, each beside one that it takes."""

from typing import Any

import pytest
import rlp
from eth_account.signers.local import LocalAccount
from signing import signed_transfer

CHAIN_ID = 7100
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


async def sent(node: Any, raw: str) -> str:
    result: str = await node.result("/zk", "eth_sendRawTransaction", raw)
    return result


async def refused(node: Any, raw: str) -> str:
    error = await node.error("/zk", "eth_sendRawTransaction", raw)
    assert error["code"] == -32000
    message: str = error["message"]
    return message


async def test_a_nonce_below_the_account_s_is_too_low(node: Any, alice: LocalAccount) -> None:
    await sent(node, signed_transfer(alice, CHAIN_ID, 0))
    message = await refused(node, signed_transfer(alice, CHAIN_ID, 0, value_wei=2))
    assert message == "nonce too low: next nonce 1, tx nonce 0"


async def test_a_nonce_far_above_the_account_s_is_too_high(node: Any, alice: LocalAccount) -> None:
    await sent(node, signed_transfer(alice, CHAIN_ID, 5))
    assert await refused(node, signed_transfer(alice, CHAIN_ID, 5000)) == "nonce too high"


async def test_a_transaction_that_waits_already_is_known(node: Any, alice: LocalAccount) -> None:
    node.zk.is_holding = True
    raw = signed_transfer(alice, CHAIN_ID, 0)
    await sent(node, raw)
    assert await refused(node, raw) == "already known"


async def test_a_replacement_has_to_pay_more(node: Any, alice: LocalAccount) -> None:
    node.zk.is_holding = True
    gwei = 10**9
    await sent(node, signed_transfer(alice, CHAIN_ID, 0, max_fee_wei=10 * gwei, tip_wei=gwei))
    cheap = signed_transfer(alice, CHAIN_ID, 0, max_fee_wei=10 * gwei, tip_wei=gwei, value_wei=2)
    assert await refused(node, cheap) == "replacement transaction underpriced"
    await sent(node, signed_transfer(alice, CHAIN_ID, 0, max_fee_wei=11 * gwei, tip_wei=2 * gwei))


async def test_funds_have_to_cover_the_most_that_it_may_cost(
    node: Any, alice: LocalAccount, bob: LocalAccount
) -> None:
    cost_wei = 21_000 * 2_000_000_000 + 1
    await sent(node, signed_transfer(alice, CHAIN_ID, 0, to=bob.address, value_wei=cost_wei - 1))
    short = signed_transfer(bob, CHAIN_ID, 0)
    assert await refused(node, short) == (
        f"insufficient funds for gas * price + value: balance {cost_wei - 1}, "
        f"tx cost {cost_wei}, overshot 1"
    )
    await sent(node, signed_transfer(bob, CHAIN_ID, 0, value_wei=0))


@pytest.mark.parametrize(
    ("data", "least_gas"),
    [
        ("0x", 21_000),
        # 4 tokens a byte that is not zero: 21,000 + 10 * 400 (EIP-7623) is above 21,000 + 4 * 400.
        ("0x" + "01" * 100, 25_000),
        ("0x" + "00" * 100, 22_000),
    ],
)
async def test_gas_has_to_cover_the_intrinsic_cost_and_the_calldata_floor(
    node: Any, alice: LocalAccount, data: str, least_gas: int
) -> None:
    message = await refused(node, signed_transfer(alice, CHAIN_ID, 0, gas=least_gas - 1, data=data))
    assert message.startswith("intrinsic gas too low")
    await sent(node, signed_transfer(alice, CHAIN_ID, 0, gas=least_gas, data=data))


async def test_gas_above_the_block_s_limit_is_refused(node: Any, alice: LocalAccount) -> None:
    message = await refused(node, signed_transfer(alice, CHAIN_ID, 0, gas=30_000_001))
    assert message == "exceeds block gas limit"


async def test_another_chain_s_transaction_is_refused(node: Any, alice: LocalAccount) -> None:
    message = await refused(node, signed_transfer(alice, 1, 0))
    assert message == "invalid chain id for signer: have 1 want 7100"


async def test_a_transaction_that_is_not_replay_protected_is_refused(
    node: Any, alice: LocalAccount
) -> None:
    legacy = {"nonce": 0, "gasPrice": 2 * 10**9, "gas": 21_000, "to": alice.address, "value": 0}
    unprotected = alice.sign_transaction(legacy).raw_transaction
    protected = alice.sign_transaction({**legacy, "chainId": CHAIN_ID}).raw_transaction
    message = await refused(node, "0x" + bytes(unprotected).hex())
    assert message == "only replay-protected (EIP-155) transactions allowed over RPC"
    await sent(node, "0x" + bytes(protected).hex())


async def test_a_fee_below_the_base_fee_is_refused(node: Any, alice: LocalAccount) -> None:
    message = await refused(node, signed_transfer(alice, CHAIN_ID, 0, max_fee_wei=874_999_999))
    assert message.startswith("max fee per gas less than block base fee")
    await sent(node, signed_transfer(alice, CHAIN_ID, 0, max_fee_wei=875_000_000))


async def test_a_tip_above_the_fee_is_refused(node: Any, alice: LocalAccount) -> None:
    gwei = 10**9
    raw = signed_transfer(alice, CHAIN_ID, 0, max_fee_wei=gwei, tip_wei=gwei + 1)
    assert (await refused(node, raw)).startswith("max priority fee per gas higher than max fee")
    await sent(node, signed_transfer(alice, CHAIN_ID, 0, max_fee_wei=gwei, tip_wei=gwei))


async def test_creation_code_is_at_most_49152_bytes(node: Any, alice: LocalAccount) -> None:
    def creation(size_bytes: int) -> str:
        fields = {"nonce": 0, "gasPrice": 2 * 10**9, "gas": 5_000_000, "value": 0, "to": ""}
        data = "0x" + "00" * size_bytes
        signed = alice.sign_transaction({**fields, "chainId": CHAIN_ID, "data": data})
        return "0x" + bytes(signed.raw_transaction).hex()

    assert await refused(node, creation(49_153)) == (
        "max initcode size exceeded: code size 49153, limit 49152"
    )
    await sent(node, creation(49_152))


async def test_a_malleable_signature_is_refused(node: Any, alice: LocalAccount) -> None:
    raw = bytes.fromhex(signed_transfer(alice, CHAIN_ID, 0)[2:])
    fields = rlp.decode(raw[1:])
    high_s = SECP256K1_ORDER - int.from_bytes(fields[-1], "big")
    flipped = b"" if fields[-3] == b"\x01" else b"\x01"
    twin = raw[:1] + rlp.encode([*fields[:-3], flipped, fields[-2], high_s])
    assert (await refused(node, "0x" + twin.hex())).startswith("invalid sender")
    await sent(node, "0x" + raw.hex())


async def test_a_wrong_signature_is_another_sender_without_funds(
    node: Any, alice: LocalAccount
) -> None:
    raw = bytearray.fromhex(signed_transfer(alice, CHAIN_ID, 0)[2:])
    raw[10] ^= 1
    message = await refused(node, "0x" + raw.hex())
    assert message.startswith(("insufficient funds", "invalid"))


@pytest.mark.parametrize(
    "raw",
    [
        "0x",
        "0x00",
        "0x02",
        "0x02c0",
        "0x03c0",
        "0x05c0",
        "0x7ec0",
        "0x7ee4809412121212121212121212121212121212121212128203e880",
        "0xc0",
        "0xf8",
        "0xff" + "ff" * 8,
        "0xbfffffffffffffffff",
        "0x02f9ffff",
        "0x" + "c1" * 5000,
        "0x02" + "f90100" * 1000,
    ],
)
async def test_bytes_that_are_no_transaction_are_refused(node: Any, raw: str) -> None:
    assert (await refused(node, raw)).startswith("invalid transaction")


async def test_a_transaction_longer_than_128_kib_is_refused(node: Any, alice: LocalAccount) -> None:
    def of_size(data_bytes: int) -> str:
        return signed_transfer(
            alice, CHAIN_ID, 0, gas=10_000_000, data="0x" + "00" * data_bytes, to=alice.address
        )

    too_long = of_size(128 * 1024)
    assert (await refused(node, too_long)).startswith("oversized data: transaction size")
    await sent(node, of_size(127 * 1024))


async def test_one_bad_transaction_in_a_batch_harms_no_other(
    node: Any, alice: LocalAccount
) -> None:
    raws = [signed_transfer(alice, CHAIN_ID, nonce) for nonce in range(3)]
    raws[1:1] = ["0x02c0", signed_transfer(alice, 1, 1)]
    batch = [
        {"jsonrpc": "2.0", "id": index, "method": "eth_sendRawTransaction", "params": [raw]}
        for index, raw in enumerate(raws)
    ]
    answers = (await node.post("/zk", batch)).json()
    assert [index for index, answer in enumerate(answers) if "error" in answer] == [1, 2]
    assert node.zk.newest.number == 1
    assert len(node.zk.newest.transactions) == 3
    status = node.server.gateway.status()["ingress"]["zk"]
    assert status["batches"] == 1
    assert status["transactions"] == 5
    assert status["outcomes"] == {
        "accepted": 3,
        "invalid transaction": 1,
        "invalid chain id for signer": 1,
    }
