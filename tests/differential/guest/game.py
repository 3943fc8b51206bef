"""The ZK chain of the worked example: a game's round, trophies that trade, messages both ways."""

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import function_abi_to_4byte_selector, get_abi_input_types

from bridge.work import Delivery, WorkItem
from contracts import PORTAL_ADDRESS, ROUND_GUARD_ADDRESS, artifact, zk_predeploys
from contracts.bindings import decode_message_sent, is_message_sent
from contracts.system_calls import system_transaction
from execution.types import Address, BlockOutput, GenesisAccount, Hash32
from ledger.crossing import Message
from ledger.types import ChainId
from tests.differential.guest.batches import L1_CHAIN_ID
from tests.differential.guest.growing_chain import GENESIS_SECONDS, GrowingChain
from tests.differential.signing import Fields, Key, make_key, sign

ZK_CHAIN_ID = ChainId(7001)
FAST_CHAIN_ID = ChainId(7002)
ETHER = 10**18
ROLLUP = Address(b"\x99" * 20)
GAME_ON_FAST = Address(b"\x6a" * 20)
OWNER, SELLER, BUYER = make_key(1), make_key(2), make_key(3)
PLAYERS = [make_key(number) for number in range(10, 20)]
MARKET_CAP = 50
UNIT_VALUE_WEI = ETHER // 100


def call_data(contract: str, function: str, *arguments: Any) -> bytes:
    """Call data of a function of one of the compiled contracts."""
    (entry,) = (e for e in artifact(contract).abi if e.get("name") == function)
    selector = bytes(function_abi_to_4byte_selector(entry))
    return selector + encode(get_abi_input_types(entry), arguments)


class Game:
    """A chain with predeploys on which one round is open, with a trophy contract and a market."""

    def __init__(self) -> None:
        keys = [OWNER, SELLER, BUYER, *PLAYERS]
        rich = GenesisAccount(balance_wei=100 * ETHER)
        on_fast = [GenesisAccount(balance_wei=50 * ETHER)]
        predeploys = zk_predeploys(FAST_CHAIN_ID, on_fast, l1_chain_id=L1_CHAIN_ID, rollup=ROLLUP)
        alloc = {key.address: rich for key in keys} | predeploys
        self.chain = GrowingChain(ZK_CHAIN_ID, alloc)
        self.inbound_nonce = 0
        self.system_nonce = 0
        self._nonces = {key.address: 0 for key in keys}
        deployed = self.block(
            [
                self.call(OWNER, None, artifact("Trophy").bytecode, gas_limit=8_000_000),
                self.call(OWNER, None, artifact("Market").bytecode, gas_limit=8_000_000),
            ]
        )
        trophy, market = (receipt.contract_address for receipt in deployed.receipts)
        assert trophy is not None
        assert market is not None
        self.trophy, self.market = trophy, market
        self.block([self.call_contract(OWNER, "RoundGuard", "register_game", trophy)])
        self.open_round(MARKET_CAP, 2 * ETHER)

    def open_round(self, max_mints: int, max_value_wei: int) -> None:
        """Open the next round, against its deposit."""
        deposit = max_value_wei + max_mints * UNIT_VALUE_WEI // 100
        deadline = GENESIS_SECONDS + 24 * 60 * 60
        arguments = (
            GAME_ON_FAST,
            self.trophy,
            max_mints,
            UNIT_VALUE_WEI,
            max_value_wei,
            deadline,
        )
        self.block(
            [self.call_contract(OWNER, "RoundGuard", "open_round", *arguments, value_wei=deposit)]
        )

    def call(
        self,
        key: Key,
        to: bytes | None,
        data: bytes = b"",
        value_wei: int = 0,
        gas_limit: int = 1_000_000,
    ) -> bytes:
        """A signed transaction with the account's next nonce."""
        nonce = self._nonces[key.address]
        self._nonces[key.address] += 1
        return sign(key, Fields(2, ZK_CHAIN_ID, nonce, gas_limit, to or b"", value_wei, data))

    def call_contract(
        self, key: Key, contract: str, function: str, *arguments: Any, value_wei: int = 0
    ) -> bytes:
        """A signed call of one of the chain's contracts."""
        address = {
            "Portal": PORTAL_ADDRESS,
            "RoundGuard": ROUND_GUARD_ADDRESS,
            "Trophy": getattr(self, "trophy", b""),
            "Market": getattr(self, "market", b""),
        }[contract]
        return self.call(key, address, call_data(contract, function, *arguments), value_wei)

    def message(
        self,
        target: bytes,
        data: bytes = b"",
        value_wei: int = 0,
        sender: bytes = GAME_ON_FAST,
        gas_limit: int = 1_500_000,
    ) -> Message:
        """The next message of the fast chain."""
        nonce = self.inbound_nonce
        self.inbound_nonce += 1
        return Message(
            FAST_CHAIN_ID, nonce, Address(sender), Address(target), value_wei, gas_limit, data
        )

    def report(self, round_id: int, receivers: Sequence[Key]) -> Message:
        """A report of the game: one trophy to each receiver."""
        addresses = [key.address for key in receivers]
        return self.message(
            ROUND_GUARD_ADDRESS, call_data("RoundGuard", "report", round_id, addresses)
        )

    def payout(self, round_id: int, receiver: Key, value_wei: int) -> Message:
        """A payout of the game to one receiver."""
        arguments = (round_id, [receiver.address], [value_wei])
        return self.message(ROUND_GUARD_ADDRESS, call_data("RoundGuard", "payout", *arguments))

    def block(
        self,
        transactions: Sequence[bytes] = (),
        items: Sequence[WorkItem] = (),
        certificates: Sequence[Hash32] = (),
    ) -> BlockOutput:
        """One more block; every transaction in it has to succeed."""
        system = []
        for item in items:
            system.append(system_transaction(self.system_nonce, item))
            self.system_nonce += 1
        output = self.chain.execute(transactions, system, certificates)
        assert all(receipt.is_success for receipt in output.receipts)
        return output

    def deliver(self, *messages: Message) -> BlockOutput:
        """A block that delivers messages."""
        return self.block(items=[Delivery(message) for message in messages])


def sent_messages(output: BlockOutput) -> list[Message]:
    """Outbox of a block."""
    logs = [log for receipt in output.receipts for log in receipt.logs]
    return [decode_message_sent(log, ZK_CHAIN_ID) for log in logs if is_message_sent(log)]
