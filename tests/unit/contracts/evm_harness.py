"""A chain in py-evm (Prague), to call contracts on.

Calls are whole transactions (intrinsic gas, refunds and calldata floor
included) with a gas price of zero and a spoofed signature.
"""

from dataclasses import dataclass, field
from typing import Any

import rlp
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import encode
from eth_hash.auto import keccak
from eth_utils.abi import get_abi_input_types
from trie import HexaryTrie

from bridge.work import Delivery
from contracts import PORTAL_ADDRESS, artifact
from contracts.bindings import (
    MESSAGE_SENT_TOPIC,
    decode_message_sent,
)
from contracts.system_calls import system_transaction
from execution.types import SYSTEM_ADDRESS, Address, GenesisAccount, Hash32, Log
from ledger.crossing import Message
from tests.support.contract_abi import decode_events, decode_output, encode_call, revert_text

TRANSACTION_GAS = 25_000_000
START_SECONDS = 1_700_000_000
ETHER = 10**18


def account_address(name: str) -> Address:
    """Return the address of a named account: its name, readable in a trace."""
    return Address(name.encode().rjust(20, b"\xaa"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one transaction ended; ``reason`` is the text that it reverted with."""

    is_success: bool
    output: bytes
    gas_used: int
    logs: tuple[Log, ...]
    created: Address | None = None

    @property
    def reason(self) -> str:
        """Return the revert reason, or the name of the halt."""
        return revert_text(self.output) or self.output.decode(errors="replace")

    def events(self, name: str, contract: str) -> list[dict[str, Any]]:
        """Return the decoded logs of one event of a contract."""
        return decode_events(artifact(contract).abi, name, self.logs)

    def event_count(self, name: str, contract: str) -> int:
        """Return how often an event was logged."""
        return len(self.events(name, contract))


@dataclass(slots=True)
class Chain:
    """One chain; ``now_seconds`` is the timestamp of every call until a test moves it."""

    chain_id: int
    alloc: dict[Address, GenesisAccount]
    now_seconds: int = START_SECONDS
    block_number: int = 1
    _database: AtomicDB = field(default_factory=AtomicDB)
    _state_root: bytes = BLANK_ROOT_HASH

    def __post_init__(self) -> None:
        """Write the genesis accounts."""
        state = self._state()
        for address, account in self.alloc.items():
            state.set_balance(address, account.balance_wei)
            state.set_nonce(address, account.nonce)
            state.set_code(address, account.code)
            for slot, value in account.storage.items():
                state.set_storage(address, slot, value)
        self._persist(state)

    @property
    def state_root(self) -> Hash32:
        """Return the root of the state trie."""
        return Hash32(self._state_root)

    def fund(self, *addresses: Address, value_wei: int = 1_000 * ETHER) -> None:
        """Give accounts a balance."""
        state = self._state()
        for address in addresses:
            state.set_balance(address, value_wei)
        self._persist(state)

    def put_code(self, address: Address, code: bytes) -> Address:
        """Put runtime code at an address."""
        state = self._state()
        state.set_code(address, code)
        self._persist(state)
        return address

    def balance_wei(self, address: Address) -> int:
        """Return an account's balance."""
        return int(self._state().get_balance(address))

    def storage(self, address: Address, slot: int) -> int:
        """Return the value of a storage slot."""
        return int(self._state().get_storage(address, slot))

    def execute(
        self,
        to: Address | None,
        data: bytes = b"",
        *,
        sender: Address,
        value_wei: int = 0,
        gas: int = TRANSACTION_GAS,
        is_kept: bool = True,
    ) -> Outcome:
        """Run one transaction; ``is_kept`` false runs it as a view."""
        state = self._state()
        unsigned = PragueVM.create_unsigned_transaction(
            nonce=state.get_nonce(sender),
            gas_price=0,
            gas=gas,
            to=to or b"",
            value=value_wei,
            data=data,
        )
        transaction = SpoofTransaction(unsigned, from_=sender)
        computation = state.apply_transaction(transaction)
        gas_spent = gas - computation.get_gas_remaining()
        refund = min(computation.get_gas_refund(), gas_spent // 5)
        logs = () if computation.is_error else computation.get_log_entries()
        if is_kept:
            self._persist(state)
        return Outcome(
            is_success=computation.is_success,
            output=computation.output or str(computation._error or "").encode(),
            gas_used=gas_spent - refund + computation.data_floor_gas,
            logs=tuple(
                Log(
                    Address(address),
                    tuple(Hash32(topic.to_bytes(32)) for topic in topics),
                    data,
                )
                for address, topics, data in logs
            ),
            created=Address(computation.msg.storage_address) if to is None else None,
        )

    def deploy(self, name: str, *arguments: Any, sender: Address) -> "Contract":
        """Deploy a compiled contract."""
        constructor = [e for e in artifact(name).abi if e["type"] == "constructor"]
        types = get_abi_input_types(constructor[0]) if constructor else []
        code = artifact(name).bytecode + encode(types, arguments)
        outcome = self.execute(None, code, sender=sender)
        assert outcome.is_success, outcome.reason
        assert outcome.created is not None
        return Contract(self, name, outcome.created)

    def deliver(self, message: Message) -> Outcome:
        """Deliver a message as the protocol does."""
        call = system_transaction(0, Delivery(message))
        return self.execute(call.to, call.data, sender=SYSTEM_ADDRESS, gas=call.gas_limit)

    def account_proof(self, address: Address) -> tuple[bytes, ...]:
        """Return the account proof as ``eth_getProof`` gives it."""
        return self._proof(self._state_root, keccak(address))

    def storage_proof(self, address: Address, slot: int) -> tuple[bytes, ...]:
        """Return the proof of a storage slot as ``eth_getProof`` gives it."""
        trie = HexaryTrie(self._database, self._state_root)
        storage_root = rlp.decode(trie[keccak(address)])[2]
        return self._proof(storage_root, keccak(slot.to_bytes(32)))

    def _proof(self, root: bytes, key: bytes) -> tuple[bytes, ...]:
        return proof_nodes(HexaryTrie(self._database, root), key)

    def _state(self) -> Any:
        context = ExecutionContext(
            coinbase=Address(bytes(20)),
            timestamp=self.now_seconds,
            block_number=self.block_number,
            difficulty=0,
            mix_hash=keccak(self.block_number.to_bytes(32)),
            gas_limit=10**9,
            prev_hashes=(),
            chain_id=self.chain_id,
            base_fee_per_gas=0,
            excess_blob_gas=0,
        )
        return PragueVM.get_state_class()(self._database, context, self._state_root)

    def _persist(self, state: Any) -> None:
        state.lock_changes()
        state.persist()
        self._state_root = state.state_root


@dataclass(frozen=True, slots=True)
class Contract:
    """A deployed contract of a chain, called by the names of its ABI."""

    chain: Chain
    name: str
    address: Address

    def encode_call(self, function: str, *arguments: Any) -> bytes:
        """Return the call data of one call."""
        return encode_call(artifact(self.name).abi, function, *arguments)

    def transact(
        self,
        function: str,
        *arguments: Any,
        sender: Address,
        value_wei: int = 0,
        gas: int = TRANSACTION_GAS,
    ) -> Outcome:
        """Send a transaction that calls the contract."""
        data = self.encode_call(function, *arguments)
        return self.chain.execute(self.address, data, sender=sender, value_wei=value_wei, gas=gas)

    def view(self, function: str, *arguments: Any) -> Any:
        """Return what a view returns; its only value, or the tuple of them."""
        data = self.encode_call(function, *arguments)
        outcome = self.chain.execute(
            self.address, data, sender=account_address("viewer"), is_kept=False
        )
        assert outcome.is_success, outcome.reason
        abi = artifact(self.name).abi
        return decode_output(abi, function, len(arguments), outcome.output)


def sent_messages(outcome: Outcome, source: Chain) -> list[Message]:
    """Return the messages that a transaction put in its chain's outbox."""
    return [
        decode_message_sent(log, source.chain_id)
        for log in outcome.logs
        if log.topics[0] == MESSAGE_SENT_TOPIC
    ]


def proof_nodes(trie: HexaryTrie, key: bytes) -> tuple[bytes, ...]:
    """Return an inclusion proof as EIP-1186 has it: only the nodes that a hash refers to."""
    encoded = [rlp.encode(node) for node in trie.get_proof(key)]
    return tuple(node for i, node in enumerate(encoded) if i == 0 or len(node) >= 32)


def reverting_code() -> bytes:
    """Return code that reverts with the four bytes ``nope``."""
    # PUSH4 "nope" PUSH1 0 MSTORE PUSH1 4 PUSH1 28 REVERT
    return bytes.fromhex("63") + b"nope" + bytes.fromhex("5f526004601cfd")


def repeating_code() -> bytes:
    """Return code that calls the Portal, over and over, with the same data.

    Its call data is the number of calls as a word, then the data. Once a call
    fails it reverts with that call's answer.
    """
    return b"".join(
        [
            # length := CALLDATASIZE - 32; CALLDATACOPY(0, 32, length); count := CALLDATALOAD(0)
            bytes.fromhex("60203603 8060205f37 5f35"),
            # loop (11): if count is 0 go to end
            bytes.fromhex("5b 80 15 6040 57"),
            # CALL(gas, portal, 0, 0, length, 0, 0); if it failed go to fail
            bytes.fromhex("5f5f 83 5f5f 73") + PORTAL_ADDRESS + bytes.fromhex("5af1 15 6038 57"),
            # count := count - 1; go to loop
            bytes.fromhex("6001 90 03 600b 56"),
            # fail (56): RETURNDATACOPY(0, 0, RETURNDATASIZE), REVERT(0, RETURNDATASIZE)
            bytes.fromhex("5b 3d5f5f3e 3d5ffd"),
            # end (64)
            bytes.fromhex("5b 00"),
        ]
    )


def gas_burning_code() -> bytes:
    """Return code that loops until its gas is gone."""
    # JUMPDEST PUSH0 JUMP
    return bytes.fromhex("5b5f56")


def view_to_slot_code(view: str, slot: int) -> bytes:
    """Return code that stores what a view of the Portal returns, or reverts if the view does."""
    return b"".join(
        [
            bytes.fromhex("63") + keccak(view.encode())[:4] + bytes.fromhex("5f52"),
            # STATICCALL(gas, portal, 28, 4, 0, 32)
            bytes.fromhex("60205f6004601c73") + PORTAL_ADDRESS + bytes.fromhex("5afa50"),
            # SSTORE(slot, MLOAD(0))
            bytes.fromhex("5f5160") + bytes([slot]) + bytes.fromhex("55"),
        ]
    )
