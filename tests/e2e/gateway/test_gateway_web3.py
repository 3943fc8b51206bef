"""What a wallet or an application does with web3.py, over real HTTP, on the real engine."""

import asyncio
from typing import Any

import pytest
import rlp
from counter_contract import TOTAL_SLOT, compiled
from eth_account.signers.local import LocalAccount
from signing import signed_transfer
from trie import HexaryTrie
from web3 import AsyncWeb3, HTTPProvider
from web3 import Web3 as BlockingWeb3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3RPCError
from web3.types import TxReceipt

from execution.types import SYSTEM_ADDRESS, Address, SystemTransaction
from ledger.hashing import keccak

Web3 = AsyncWeb3[Any]

ONE_ETHER_WEI = 10**18


async def send(web3: Web3, sender: LocalAccount, transaction: Any) -> TxReceipt:
    """Fill in what is missing as web3.py does, sign, send, and get the receipt."""
    complete = {
        "from": sender.address,
        "nonce": await web3.eth.get_transaction_count(sender.address),
        "chainId": await web3.eth.chain_id,
        **transaction,
    }
    if "gasPrice" not in complete:
        base_fee_wei = (await web3.eth.get_block("latest"))["baseFeePerGas"]
        tip_wei = await web3.eth.max_priority_fee
        complete.setdefault("maxFeePerGas", 2 * base_fee_wei + tip_wei)
        complete.setdefault("maxPriorityFeePerGas", tip_wei)
    if "gas" not in complete:
        complete["gas"] = await web3.eth.estimate_gas(complete)
    complete.pop("from")
    signed = sender.sign_transaction(complete)
    sent_hash = await web3.eth.send_raw_transaction(signed.raw_transaction)
    assert sent_hash == signed.hash
    return await web3.eth.wait_for_transaction_receipt(sent_hash, timeout=5)


async def deploy(web3: Web3, deployer: LocalAccount, start: int = 5) -> Any:
    factory = web3.eth.contract(abi=compiled()["abi"], bytecode=compiled()["bytecode"])
    creation = await factory.constructor(start).build_transaction(
        {"from": deployer.address, "gas": 500_000, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}
    )
    receipt = await send(web3, deployer, {"data": creation["data"], "gas": 500_000})
    assert receipt["status"] == 1
    return web3.eth.contract(address=receipt["contractAddress"], abi=compiled()["abi"])


async def test_a_transfer_arrives_and_its_receipt_says_so(
    zk_web3: Web3, alice: LocalAccount, bob: LocalAccount
) -> None:
    receipt = await send(zk_web3, alice, {"to": bob.address, "value": ONE_ETHER_WEI})
    assert receipt["status"] == 1
    assert receipt["gasUsed"] == 21_000
    assert receipt["from"] == alice.address
    assert receipt["to"] == bob.address
    assert await zk_web3.eth.get_balance(bob.address) == ONE_ETHER_WEI
    assert await zk_web3.eth.get_transaction_count(alice.address) == 1
    assert await zk_web3.eth.block_number == 1


async def test_each_chain_has_its_own_id_and_state(
    zk_web3: Web3, fast_web3: Web3, alice: LocalAccount, bob: LocalAccount
) -> None:
    await send(fast_web3, alice, {"to": bob.address, "value": 7})
    assert await fast_web3.eth.chain_id == 7101
    assert await zk_web3.eth.chain_id == 7100
    assert await fast_web3.eth.get_balance(bob.address) == 7
    assert await zk_web3.eth.get_balance(bob.address) == 0
    assert await fast_web3.eth.gas_price == 0
    assert await zk_web3.eth.gas_price == 875_000_000


async def test_a_contract_is_deployed_called_and_read(zk_web3: Web3, alice: LocalAccount) -> None:
    contract = await deploy(zk_web3, alice, start=5)
    assert len(await zk_web3.eth.get_code(contract.address)) > 0
    assert await contract.functions.total().call() == 5
    call_data = contract.encode_abi("count", [3])
    receipt = await send(zk_web3, alice, {"to": contract.address, "data": call_data})
    assert receipt["status"] == 1
    assert await contract.functions.total().call() == 8
    assert int.from_bytes(await zk_web3.eth.get_storage_at(contract.address, TOTAL_SLOT)) == 8


async def test_a_call_reads_the_state_of_an_older_block(zk_web3: Web3, alice: LocalAccount) -> None:
    contract = await deploy(zk_web3, alice, start=5)
    before = await zk_web3.eth.get_block("latest")
    await send(zk_web3, alice, {"to": contract.address, "data": contract.encode_abi("count", [3])})
    total = contract.functions.total()
    assert await total.call(block_identifier=before["number"]) == 5
    assert await total.call(block_identifier=before["hash"]) == 5
    assert await total.call() == 8


async def test_an_event_is_found_by_filter_topic_and_receipt(
    zk_web3: Web3, alice: LocalAccount
) -> None:
    contract = await deploy(zk_web3, alice)
    receipt = await send(
        zk_web3, alice, {"to": contract.address, "data": contract.encode_abi("count", [1])}
    )
    (from_receipt,) = contract.events.Counted().process_receipt(receipt)
    (from_logs,) = await contract.events.Counted().get_logs(
        from_block=0, argument_filters={"who": alice.address}
    )
    assert from_receipt["args"] == from_logs["args"] == {"who": alice.address, "total": 6}
    assert from_logs["transactionHash"] == receipt["transactionHash"]
    assert from_logs["blockHash"] == receipt["blockHash"]
    others = await contract.events.Counted().get_logs(
        from_block=0, argument_filters={"who": contract.address}
    )
    assert others == []


async def test_a_revert_has_its_reason_in_call_and_estimate(
    zk_web3: Web3, alice: LocalAccount
) -> None:
    contract = await deploy(zk_web3, alice)
    with pytest.raises(ContractLogicError, match="execution reverted: too many at once"):
        await contract.functions.count(100).call()
    with pytest.raises(ContractLogicError, match="execution reverted: too many at once"):
        await contract.functions.count(100).estimate_gas({"from": alice.address})
    with pytest.raises(ContractLogicError, match="execution reverted"):
        await contract.functions.fail_silently().call()


async def test_a_transaction_that_reverts_is_included_with_status_0(
    zk_web3: Web3, alice: LocalAccount
) -> None:
    contract = await deploy(zk_web3, alice)
    data = contract.encode_abi("count", [100])
    receipt = await send(zk_web3, alice, {"to": contract.address, "data": data, "gas": 100_000})
    assert receipt["status"] == 0
    assert receipt["logs"] == []


async def test_a_storage_proof_leads_to_the_block_s_state_root(
    node: Any, zk_web3: Web3, alice: LocalAccount
) -> None:
    contract = await deploy(zk_web3, alice, start=42)
    block = await zk_web3.eth.get_block("latest")
    # web3.py has this method in its blocking half only.
    blocking = BlockingWeb3(HTTPProvider(f"{node.server.url}/zk"))
    proof = await asyncio.to_thread(
        blocking.eth.get_proof, contract.address, [TOTAL_SLOT, 99], block["number"]
    )
    account_rlp = HexaryTrie.get_from_proof(
        block["stateRoot"],
        keccak(bytes.fromhex(contract.address[2:])),
        [rlp.decode(node) for node in proof["accountProof"]],
    )
    nonce, _balance, storage_root, code_hash = rlp.decode(account_rlp)
    assert int.from_bytes(nonce) == 1
    assert storage_root == proof["storageHash"]
    assert code_hash == proof["codeHash"]
    present, absent = proof["storageProof"]
    for entry, expected in ((present, rlp.encode(42)), (absent, b"")):
        slot_key = keccak(int(entry["key"].hex(), 16).to_bytes(32, "big"))
        nodes = [rlp.decode(node) for node in entry["proof"]]
        assert HexaryTrie.get_from_proof(storage_root, slot_key, nodes) == expected


async def test_a_block_s_fields_hash_to_its_hash(zk_web3: Web3, alice: LocalAccount) -> None:
    await send(zk_web3, alice, {"to": alice.address, "value": 1})
    block = await zk_web3.eth.get_block("latest")
    header = [
        block["parentHash"],
        block["sha3Uncles"],
        bytes.fromhex(block["miner"][2:]),
        block["stateRoot"],
        block["transactionsRoot"],
        block["receiptsRoot"],
        block["logsBloom"],
        block["difficulty"],
        block["number"],
        block["gasLimit"],
        block["gasUsed"],
        block["timestamp"],
        block["extraData"],
        block["mixHash"],
        block["nonce"],
        block["baseFeePerGas"],
        block["withdrawalsRoot"],
        block["blobGasUsed"],
        block["excessBlobGas"],
        block["parentBeaconBlockRoot"],
        block["requestsHash"],
    ]
    plain = [bytes(item) if isinstance(item, bytes) else item for item in header]
    assert keccak(rlp.encode(plain)) == block["hash"]
    by_hash = await zk_web3.eth.get_block(block["hash"])
    assert by_hash == block
    parent = await zk_web3.eth.get_block(block["number"] - 1)
    assert parent["hash"] == block["parentHash"]


async def test_a_block_s_size_is_that_of_its_rlp(zk_web3: Web3, alice: LocalAccount) -> None:
    legacy = {"to": alice.address, "gasPrice": 2 * 10**9, "gas": 21_000}
    for transaction in (legacy, {"to": alice.address, "data": "0x" + "01" * 300}):
        receipt = await send(zk_web3, alice, transaction)
        answer = await zk_web3.provider.make_request(
            "eth_getRawTransactionByHash", [receipt["transactionHash"].to_0x_hex()]
        )
        raw = bytes.fromhex(answer["result"][2:])
        block = await zk_web3.eth.get_block("latest")
        # A typed transaction is a byte string in the block's list, a legacy one a list of its own.
        body = rlp.decode(raw) if raw[0] >= 0xC0 else raw
        fields = [b"\x01" * 32] * 3
        header_length = (
            block["size"] - len(rlp.encode([fields, [body], [], []])) + len(rlp.encode(fields))
        )
        assert 590 < header_length < 660


async def test_every_transaction_type_is_shown_as_it_was_signed(
    zk_web3: Web3, alice: LocalAccount, bob: LocalAccount
) -> None:
    gas = {"gas": 100_000, "to": bob.address, "value": 1}
    slots = [{"address": bob.address, "storageKeys": ["0x" + "01" * 32]}]
    authorization = bob.sign_authorization({"chainId": 0, "address": alice.address, "nonce": 0})
    fees = {"maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 1}
    variants: list[tuple[int, dict[str, Any]]] = [
        (0, {"gasPrice": 2 * 10**9}),
        (1, {"gasPrice": 2 * 10**9, "accessList": slots}),
        (2, {**fees, "accessList": slots}),
        (4, {**fees, "authorizationList": [authorization]}),
    ]
    for kind, fields in variants:
        receipt = await send(zk_web3, alice, {**gas, **fields})
        shown: Any = await zk_web3.eth.get_transaction(receipt["transactionHash"])
        assert receipt["type"] == shown["type"] == kind
        assert shown["chainId"] == 7100
        assert shown["from"] == alice.address
        assert shown["to"] == bob.address
        assert shown["value"] == 1
        assert shown["gasPrice"] == receipt["effectiveGasPrice"]
        if "accessList" in fields:
            assert shown["accessList"][0]["storageKeys"][0] == "0x" + "01" * 32
        if kind == 4:
            assert shown["authorizationList"][0]["address"] == alice.address
        else:
            assert shown["v"] in (0, 1, 35 + 2 * 7100, 36 + 2 * 7100)
    assert (await zk_web3.eth.get_code(bob.address)).startswith(bytes.fromhex("ef0100"))


async def test_a_delegated_account_may_still_send(
    fast_web3: Web3, alice: LocalAccount, bob: LocalAccount
) -> None:
    authorization = bob.sign_authorization({"chainId": 0, "address": alice.address, "nonce": 0})
    fields = {"to": bob.address, "gas": 100_000, "authorizationList": [authorization]}
    await send(fast_web3, alice, {**fields, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0})
    receipt = await send(fast_web3, bob, {"to": alice.address, "gas": 21_000, "gasPrice": 0})
    assert receipt["status"] == 1


async def test_a_waiting_transaction_is_pending_and_counts_in_the_pending_nonce(
    node: Any, zk_web3: Web3, alice: LocalAccount
) -> None:
    node.zk.is_holding = True
    sent = await zk_web3.eth.send_raw_transaction(signed_transfer(alice, 7100, 0))
    waiting: Any = await zk_web3.eth.get_transaction(sent)
    assert waiting["blockHash"] is None
    assert waiting["gasPrice"] == 2_000_000_000
    assert await zk_web3.eth.get_transaction_count(alice.address) == 0
    assert await zk_web3.eth.get_transaction_count(alice.address, "pending") == 1
    with pytest.raises(TransactionNotFound):
        await zk_web3.eth.get_transaction_receipt(sent)
    node.zk.mine()
    assert (await zk_web3.eth.get_transaction_receipt(sent))["blockNumber"] == 1
    assert await zk_web3.eth.get_transaction_count(alice.address) == 1


async def test_the_tags_tell_the_tiers_apart(
    node: Any, zk_web3: Web3, fast_web3: Web3, alice: LocalAccount
) -> None:
    for chain in (node.zk, node.fast):
        chain.safe_lag_blocks = 1
        for _ in range(3):
            chain.mine()
    for web3, proven in ((zk_web3, 0), (fast_web3, 2)):
        numbers = {
            tag: (await web3.eth.get_block(tag))["number"]
            for tag in ("earliest", "finalized", "safe", "latest", "pending")
        }
        assert numbers == {
            "earliest": 0,
            "finalized": proven,
            "safe": 2,
            "latest": 3,
            "pending": 3,
        }


async def test_a_system_transaction_is_in_its_block_and_has_a_receipt(
    node: Any, zk_web3: Web3, alice: LocalAccount
) -> None:
    target = Address(bytes.fromhex("12" * 20))
    node.zk.waiting_system_transactions.append(SystemTransaction(0, target, 100_000, b"\x01\x02"))
    await send(zk_web3, alice, {"to": alice.address})
    block: Any = await zk_web3.eth.get_block("latest", full_transactions=True)
    system, user = block["transactions"]
    assert system["type"] == 0x7E
    assert bytes.fromhex(system["from"][2:]) == SYSTEM_ADDRESS
    assert system["input"] == b"\x01\x02"
    assert system["gasPrice"] == 0
    assert user["from"] == alice.address
    receipt = await zk_web3.eth.get_transaction_receipt(system["hash"])
    assert receipt["status"] == 1
    assert receipt["transactionIndex"] == 0
    assert await zk_web3.eth.get_block_transaction_count("latest") == 2
    by_index = await zk_web3.eth.get_transaction_by_block("latest", 1)
    assert by_index == user


async def test_all_receipts_of_a_block_are_those_of_its_transactions(
    node: Any, zk_web3: Web3, alice: LocalAccount
) -> None:
    contract = await deploy(zk_web3, alice)
    node.zk.is_holding = True
    for nonce in (1, 2):
        data = contract.encode_abi("count", [nonce])
        raw = signed_transfer(
            alice, 7100, nonce, to=contract.address, value_wei=0, gas=100_000, data=data
        )
        await zk_web3.eth.send_raw_transaction(raw)
    block = node.zk.mine()
    receipts = await zk_web3.eth.get_block_receipts(block.number)
    assert [receipt["transactionIndex"] for receipt in receipts] == [0, 1]
    assert [receipt["logs"][0]["logIndex"] for receipt in receipts] == [0, 1]
    for receipt in receipts:
        assert await zk_web3.eth.get_transaction_receipt(receipt["transactionHash"]) == receipt
        assert receipt["cumulativeGasUsed"] >= receipt["gasUsed"] > 21_000


async def test_fee_history_covers_the_blocks_and_the_next_base_fee(
    zk_web3: Web3, alice: LocalAccount
) -> None:
    for _ in range(3):
        await send(zk_web3, alice, {"to": alice.address, "maxPriorityFeePerGas": 5, "gas": 21_000})
    history = await zk_web3.eth.fee_history(2, "latest", [10, 90])
    latest = await zk_web3.eth.get_block("latest")
    assert history["oldestBlock"] == 2
    assert len(history["baseFeePerGas"]) == 3
    assert history["baseFeePerGas"][1] == latest["baseFeePerGas"]
    assert history["baseFeePerGas"][2] < latest["baseFeePerGas"]
    assert history["gasUsedRatio"] == [21_000 / 30_000_000] * 2
    assert history["reward"] == [[5, 5], [5, 5]]
    assert await zk_web3.eth.max_priority_fee == 5


async def test_filters_tell_of_new_blocks_and_logs_once(zk_web3: Web3, alice: LocalAccount) -> None:
    contract = await deploy(zk_web3, alice)
    blocks = await zk_web3.eth.filter("latest")
    events = await contract.events.Counted.create_filter(from_block="latest")
    assert await blocks.get_new_entries() == []
    receipt = await send(
        zk_web3, alice, {"to": contract.address, "data": contract.encode_abi("count", [1])}
    )
    assert await blocks.get_new_entries() == [receipt["blockHash"]]
    (event,) = await events.get_new_entries()
    assert event["args"]["total"] == 6
    assert await blocks.get_new_entries() == []
    assert await events.get_new_entries() == []
    assert await zk_web3.eth.uninstall_filter(blocks.filter_id)
    with pytest.raises(Web3RPCError, match="filter not found"):
        await blocks.get_new_entries()


async def test_a_filter_tells_of_the_block_that_takes_a_dropped_one_s_place(
    node: Any, fast_web3: Web3
) -> None:
    node.fast.safe_lag_blocks = 1
    node.fast.mine()
    blocks = await fast_web3.eth.filter("latest")
    dropped = node.fast.mine()
    assert [bytes(item) for item in await blocks.get_new_entries()] == [dropped.block_hash]
    node.fast.drop_head()
    node.fast.waiting_system_transactions.append(
        SystemTransaction(0, Address(bytes(20)), 50_000, b"")
    )
    replacement = node.fast.mine()
    assert replacement.block_hash != dropped.block_hash
    assert replacement.block_hash in map(bytes, await blocks.get_new_entries())
    assert await blocks.get_new_entries() == []


async def test_the_node_says_who_it_is(zk_web3: Web3) -> None:
    assert (await zk_web3.client_version).startswith("braid/")
    assert await zk_web3.net.version == "7100"
    assert await zk_web3.net.listening is True
    assert await zk_web3.net.peer_count == 0
    assert await zk_web3.eth.accounts == []
    assert await zk_web3.eth.syncing is False
