"""The embedded L1 answers web3.py as an Ethereum node does, on either engine."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import ContractLogicError, Web3RPCError

from actors.l1.settings import EngineKind
from tests.integration.l1.conftest import ETHER, Connect, StartL1

ROOT = Path(__file__).parents[3]
GWEI = 10**9
BOB = "0x0000000000000000000000000000000000000909"

# Returns storage slot 0; with calldata, stores its first word there and logs it.
COUNTER = bytes.fromhex("3615600f575f355f555f355f5fa1005b5f545f5260205ff3")
# Reverts with Error("no").
REFUSER = bytes.fromhex(
    "6308c379a060e01b5f52602060045260026024527f6e6f" + "00" * 30 + "60445260645ffd"
)


def deployment(code: bytes) -> bytes:
    """Init code that deploys ``code``."""
    head = bytes.fromhex("61") + len(code).to_bytes(2, "big") + bytes.fromhex("80600a5f395ff3")
    assert len(head) == 10
    return head + code


async def control(w3: AsyncWeb3[Any], method: str, *params: Any) -> Any:
    answer = await w3.provider.make_request(method, list(params))
    assert "error" not in answer, answer
    return answer["result"]


async def send(w3: AsyncWeb3[Any], account: LocalAccount, **fields: Any) -> bytes:
    transaction = {
        "chainId": await w3.eth.chain_id,
        "nonce": await w3.eth.get_transaction_count(account.address, "pending"),
        "to": BOB,
        "value": 0,
        "gas": 200_000,
        "maxFeePerGas": 100 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        **fields,
    }
    if transaction["to"] is None:
        del transaction["to"]
    signed = account.sign_transaction(transaction)
    return bytes(await w3.eth.send_raw_transaction(signed.raw_transaction))


async def deploy(w3: AsyncWeb3[Any], account: LocalAccount, code: bytes) -> Any:
    receipt = await w3.eth.get_transaction_receipt(
        await send(w3, account, to=None, data=deployment(code))
    )
    assert receipt["status"] == 1
    return receipt["contractAddress"]


async def test_a_transfer_is_in_a_block_at_once(
    start_l1: StartL1, connect: Connect, rich: LocalAccount
) -> None:
    w3 = connect(await start_l1())
    receipt = await w3.eth.get_transaction_receipt(await send(w3, rich, value=3 * ETHER))
    assert (receipt["status"], receipt["blockNumber"]) == (1, 1)
    assert await w3.eth.get_balance(BOB) == 3 * ETHER
    assert await w3.eth.chain_id == 271_800
    block = await w3.eth.get_block("latest")
    assert block["gasLimit"] == 60_000_000
    assert (await w3.eth.get_block(1))["baseFeePerGas"] == 875_000_000  # Block 0 was empty.


async def test_calls_logs_estimates_and_reverts(
    start_l1: StartL1, connect: Connect, rich: LocalAccount
) -> None:
    w3 = connect(await start_l1())
    counter, refuser = await deploy(w3, rich, COUNTER), await deploy(w3, rich, REFUSER)
    word = (7).to_bytes(32, "big")
    gas = await w3.eth.estimate_gas({"from": rich.address, "to": counter, "data": word})
    await send(w3, rich, to=counter, data=word, gas=gas)
    assert int.from_bytes(await w3.eth.call({"to": counter}), "big") == 7
    assert await w3.eth.get_storage_at(counter, 0) == word
    logs = await w3.eth.get_logs({"fromBlock": 0, "address": counter})
    assert [bytes(log["topics"][0]) for log in logs] == [word]
    proof = await control(w3, "eth_getProof", counter, ["0x0"], "latest")
    assert proof["storageProof"][0]["value"] == "0x7"
    with pytest.raises(ContractLogicError, match="no"):
        await w3.eth.call({"to": refuser})
    with pytest.raises(ContractLogicError, match="no"):
        await w3.eth.estimate_gas({"from": rich.address, "to": refuser})
    receipt = await w3.eth.get_transaction_receipt(await send(w3, rich, to=refuser))
    assert receipt["status"] == 0


async def test_what_a_node_refuses(start_l1: StartL1, connect: Connect, rich: LocalAccount) -> None:
    w3 = connect(await start_l1())
    await send(w3, rich)
    with pytest.raises(Web3RPCError, match="nonce too low"):
        await send(w3, rich, nonce=0)
    with pytest.raises(Web3RPCError, match="insufficient funds"):
        await send(w3, rich, value=2_000 * ETHER)
    with pytest.raises(Web3RPCError, match="transaction gas limit too high"):
        await send(w3, rich, gas=16_777_217)
    with pytest.raises(Web3RPCError, match="oversized data"):
        await send(w3, rich, gas=16_777_216, data=bytes(128 * 1024))
    await control(w3, "evm_setAutomine", False)
    await send(w3, rich, nonce=1)
    with pytest.raises(Web3RPCError, match="already known"):
        await send(w3, rich, nonce=1)
    with pytest.raises(Web3RPCError, match="replacement transaction underpriced"):
        await send(w3, rich, nonce=1, value=1, maxFeePerGas=105 * GWEI)
    await send(w3, rich, nonce=1, value=1, maxFeePerGas=110 * GWEI, maxPriorityFeePerGas=2 * GWEI)
    await control(w3, "evm_mine")
    assert await w3.eth.get_balance(BOB) == 1


async def test_a_reorg_drops_transactions_and_changes_hashes(
    start_l1: StartL1, connect: Connect, rich: LocalAccount
) -> None:
    w3 = connect(await start_l1())
    await send(w3, rich, value=1)
    before = await w3.eth.get_block("latest")
    dropped = await send(w3, rich, value=2)
    await control(w3, "anvil_reorg", "0x2", [])
    after = await w3.eth.get_block(before["number"])
    assert after["hash"] != before["hash"]
    assert await w3.eth.get_balance(BOB) == 0
    answer = await w3.provider.make_request("eth_getTransactionByHash", ["0x" + dropped.hex()])
    assert answer["result"] is None
    # The same transactions go in again.
    await send(w3, rich, value=1, nonce=0)
    assert await w3.eth.get_balance(BOB) == 1


async def test_a_stopped_chain_starts_where_it_was(
    start_l1: StartL1, connect: Connect, rich: LocalAccount
) -> None:
    l1 = await start_l1()
    w3 = connect(l1)
    counter = await deploy(w3, rich, COUNTER)
    for value in range(1, 25):
        await send(w3, rich, to=counter, data=value.to_bytes(32, "big"))
    head = await w3.eth.get_block("latest")
    first = await w3.eth.get_block(1)
    await l1.stop()
    w3 = connect(await start_l1())
    assert (await w3.eth.get_block("latest"))["hash"] == head["hash"]
    assert (await w3.eth.get_block(1))["hash"] == first["hash"]
    assert int.from_bytes(await w3.eth.call({"to": counter}), "big") == 24
    await send(w3, rich, to=counter, data=bytes(31) + b"\x63")
    await control(w3, "anvil_reorg", "0x4", [])
    assert int.from_bytes(await w3.eth.call({"to": counter}), "big") == 21


async def test_kill_9_loses_no_block(tmp_path: Path, rich: LocalAccount) -> None:
    """Each transaction whose hash was given out is there after the kill."""

    async def start() -> tuple[asyncio.subprocess.Process, AsyncWeb3[Any]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).parent / "killed_l1.py"),
            str(tmp_path / "l1"), EngineKind.WASM.value, rich.address[2:],
            stdout=asyncio.subprocess.PIPE, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(60):
            url = (await process.stdout.readline()).decode().strip()
        return process, AsyncWeb3(AsyncHTTPProvider(url))

    sent: list[bytes] = []
    for _ in range(2):
        process, w3 = await start()
        for known in sent:
            assert (await w3.eth.get_transaction_receipt(HexBytes(known)))["status"] == 1
        sent += [await send(w3, rich, value=1) for _ in range(12)]
        process.kill()
        await process.wait()
        await w3.provider.disconnect()
    process, w3 = await start()
    assert await w3.eth.get_balance(BOB) == await w3.eth.block_number == len(sent)
    process.kill()
    await process.wait()
    await w3.provider.disconnect()


async def test_the_base_fee_rises_and_what_pays_less_waits(
    start_l1: StartL1, connect: Connect, rich: LocalAccount
) -> None:
    w3 = connect(await start_l1())
    await control(w3, "braid_setBaseFee", hex(50 * GWEI))
    assert 50 * GWEI <= (await w3.eth.fee_history(1, "latest"))["baseFeePerGas"][-1] < 60 * GWEI
    await send(w3, rich, value=1, maxFeePerGas=20 * GWEI)
    assert await w3.eth.get_balance(BOB) == 0
    await control(w3, "braid_setBaseFee", hex(15 * GWEI))
    await control(w3, "evm_mine")
    assert await w3.eth.get_balance(BOB) == 1


async def test_time_moves_on_request(start_l1: StartL1, connect: Connect) -> None:
    w3 = connect(await start_l1())
    before = (await w3.eth.get_block("latest"))["timestamp"]
    await control(w3, "evm_increaseTime", 86_400)
    await control(w3, "evm_mine")
    assert (await w3.eth.get_block("latest"))["timestamp"] >= before + 86_400


async def test_blocks_come_at_an_interval(
    start_l1: StartL1, connect: Connect, rich: LocalAccount
) -> None:
    w3 = connect(await start_l1(is_instant=False, block_interval_seconds=0.02))
    await send(w3, rich, value=1)
    async with asyncio.timeout(20):
        while await w3.eth.get_balance(BOB) == 0 or await w3.eth.block_number < 3:
            await asyncio.sleep(0.01)
