"""A wallet's view of one chain: web3.py over JSON-RPC, many signed transactions at a time."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.exceptions import TransactionNotFound
from web3.types import TxReceipt

from cluster.errors import DemoFailed
from contracts import artifact
from contracts.compiled import Artifact
from contracts.l1.compiled import L1_CONTRACT_NAMES, l1_artifact

WAIT_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.02
BATCH_SIZE: Final = 100
DEFAULT_GAS: Final = 3_000_000
PRIORITY_FEE_WEI: Final = 1
BASE_FEE_HEADROOM: Final = 20
"""The base fee may grow twentyfold while the client lives."""


@dataclass(frozen=True, slots=True)
class Call:
    """One transaction to sign and send; ``data`` and ``value_wei`` as in Ethereum."""

    sender: LocalAccount
    to: str | None
    data: bytes | str = b""
    value_wei: int = 0
    gas_limit: int = DEFAULT_GAS


class ChainClient:
    """One chain through one node's JSON-RPC.

    Nonces are counted here, so an account must be used by one client only.
    """

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.web3 = Web3(HTTPProvider(url, request_kwargs={"timeout": WAIT_SECONDS}))
        self._url = url
        self._http = httpx.Client(timeout=WAIT_SECONDS)
        self.chain_id = self.web3.eth.chain_id
        base_fee_wei = self.web3.eth.get_block("latest")["baseFeePerGas"]
        self._max_fee_wei = BASE_FEE_HEADROOM * base_fee_wei + PRIORITY_FEE_WEI
        self._nonces: dict[str, int] = {}

    def sign(self, call: Call) -> bytes:
        """Sign a transaction with the sender's next nonce."""
        address = call.sender.address
        if address not in self._nonces:
            self._nonces[address] = self.web3.eth.get_transaction_count(address, "pending")
        transaction: dict[str, Any] = {
            "chainId": self.chain_id,
            "nonce": self._nonces[address],
            "gas": call.gas_limit,
            "maxFeePerGas": self._max_fee_wei,
            "maxPriorityFeePerGas": PRIORITY_FEE_WEI,
            "value": call.value_wei,
            "data": call.data,
            "type": 2,
        }
        if call.to is not None:
            transaction["to"] = call.to
        self._nonces[address] += 1
        return bytes(call.sender.sign_transaction(transaction).raw_transaction)

    def send_all(self, calls: Iterable[Call]) -> list[TxReceipt]:
        """Send transactions and wait for all receipts.

        Raises
        ------
        DemoFailed
            If one is refused, reverts, or is not executed in time.
        """
        raws = [self.sign(call) for call in calls]
        hashes = [
            HexBytes(transaction_hash)
            for start in range(0, len(raws), BATCH_SIZE)
            for transaction_hash in self._submit(raws[start : start + BATCH_SIZE])
        ]
        return [self._wait_for(transaction_hash) for transaction_hash in hashes]

    def send(self, call: Call) -> TxReceipt:
        """Send one transaction and wait for its receipt."""
        return self.send_all([call])[0]

    def deploy(self, sender: LocalAccount, name: str, *arguments: Any) -> Contract:
        """Deploy one of the project's contracts."""
        compiled = _artifact_of(name)
        factory = self.web3.eth.contract(abi=compiled.abi, bytecode=compiled.bytecode)
        data = factory.constructor(*arguments).data_in_transaction
        receipt = self.send(Call(sender, None, data, gas_limit=10_000_000))
        return self.contract(name, str(receipt["contractAddress"]))

    def contract(self, name: str, address: str | bytes) -> Contract:
        """One of the project's contracts at an address, of L1 or of the two chains."""
        checked = Web3.to_checksum_address(address)
        return self.web3.eth.contract(address=checked, abi=_artifact_of(name).abi)

    def wait_until(self, what: str, is_done: Any, seconds: float = WAIT_SECONDS) -> Any:
        """Poll until ``is_done()`` gives something true, and return that.

        Raises
        ------
        DemoFailed
            Naming what did not happen in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = is_done()
            if found:
                return found
            time.sleep(POLL_SECONDS)
        raise DemoFailed(f"{self.name}: {what} did not happen in {seconds:.0f} s")

    def rpc(self, method: str, *params: Any) -> Any:
        """A JSON-RPC method that web3.py does not know, such as ``braid_``.

        Raises
        ------
        DemoFailed
            If the node answers with an error.
        """
        answer = self.web3.provider.make_request(method, params)  # type: ignore[arg-type]
        if "error" in answer:
            raise DemoFailed(f"{method}: {answer['error']}")
        return answer["result"]

    def _submit(self, raws: list[bytes]) -> list[str]:
        """Offer transactions in one JSON-RPC batch, which web3.py does not do for this method."""
        requests = [
            {
                "jsonrpc": "2.0",
                "id": index,
                "method": "eth_sendRawTransaction",
                "params": ["0x" + raw.hex()],
            }
            for index, raw in enumerate(raws)
        ]
        answers = self._http.post(self._url, json=requests).raise_for_status().json()
        if not isinstance(answers, list):
            raise DemoFailed(f"{self.name}: {answers}")
        refused = [answer["error"] for answer in answers if "error" in answer]
        if refused:
            raise DemoFailed(f"{self.name}: a transaction was refused: {refused[0]['message']}")
        by_id = {answer["id"]: answer["result"] for answer in answers}
        return [by_id[index] for index in range(len(raws))]

    def _wait_for(self, transaction_hash: HexBytes) -> TxReceipt:
        def receipt() -> TxReceipt | None:
            try:
                return self.web3.eth.get_transaction_receipt(transaction_hash)
            except TransactionNotFound:
                return None

        found: TxReceipt = self.wait_until(f"transaction {transaction_hash.hex()}", receipt)
        if found["status"] != 1:
            raise DemoFailed(f"{self.name}: transaction {transaction_hash.hex()} reverted")
        return found


def _artifact_of(name: str) -> Artifact:
    return l1_artifact(name) if name in L1_CONTRACT_NAMES else artifact(name)


def call_of(sender: LocalAccount, function: Any, value_wei: int = 0) -> Call:
    """A transaction that calls a contract's function."""
    return Call(sender, function.address, function._encode_transaction_data(), value_wei)


def calls_of(pairs: Sequence[tuple[LocalAccount, Any]]) -> list[Call]:
    """Transactions that call functions, without value."""
    return [call_of(sender, function) for sender, function in pairs]
