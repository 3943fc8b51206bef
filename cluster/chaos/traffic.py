"""Transfers on both chains while a scenario runs, so that its blocks are not empty."""

import threading
from typing import Any, Final

import httpx
from eth_account.signers.local import LocalAccount

from cluster.dev_genesis import DEV_ACCOUNT_COUNT, FAST_CHAIN_ID, ZK_CHAIN_ID, dev_account
from cluster.session import Session
from ledger.types import ChainId, ChainRole

FIRST_ACCOUNT: Final = 32
INTERVAL_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0
RECEIVER: Final = "0x" + "77" * 20
MAX_FEE_WEI: Final = {ChainRole.ZK: 100 * 10**9, ChainRole.FAST: 0}
CHAIN_IDS: Final = {ChainRole.ZK: ZK_CHAIN_ID, ChainRole.FAST: FAST_CHAIN_ID}


class Traffic:
    """One transfer on each chain every second, 32 times, from accounts that send nothing else.

    Each account sends its first transaction only, so that none waits for one that was lost with
    a killed node's pool. A node that is away refuses; that is counted, and the next one is asked.
    """

    def __init__(self, session: Session, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self.accepted: list[tuple[ChainRole, str]] = []
        """Chain and hash of each transaction that a node has taken."""
        self.refused = 0
        self._session = session
        self._interval_seconds = interval_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    @property
    def is_running(self) -> bool:
        """Whether it still sends."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._ended.set()
        if self.is_running:
            self._thread.join(4 * ANSWER_SECONDS)

    def _run(self) -> None:
        with httpx.Client(timeout=ANSWER_SECONDS) as http:
            for number in range(FIRST_ACCOUNT, DEV_ACCOUNT_COUNT):
                for role in ChainRole:
                    self._send(http, number % len(self._session.nodes), role, dev_account(number))
                if self._ended.wait(self._interval_seconds):
                    return

    def _send(self, http: httpx.Client, node: int, role: ChainRole, account: LocalAccount) -> None:
        raw = _transfer(account, CHAIN_IDS[role], MAX_FEE_WEI[role])
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw]}
        try:
            answer = http.post(self._session.url(node, role), json=body).json()
        except (httpx.HTTPError, ValueError):
            answer = {}
        if "result" in answer:
            self.accepted.append((role, str(answer["result"])))
        else:
            self.refused += 1


def _transfer(account: LocalAccount, chain_id: ChainId, max_fee_wei: int) -> str:
    transaction: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": 0,
        "gas": 21_000,
        "maxFeePerGas": max_fee_wei,
        "maxPriorityFeePerGas": min(1, max_fee_wei),
        "to": RECEIVER,
        "value": 1,
        "data": b"",
    }
    return "0x" + bytes(account.sign_transaction(transaction).raw_transaction).hex()
