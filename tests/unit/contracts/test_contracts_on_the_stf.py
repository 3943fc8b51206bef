"""The contracts on the product's own engine: equal to py-evm, and its proofs satisfy the oracle."""

from collections.abc import Set
from typing import Any

from contract_world import FAST_CHAIN_ID, MAX_EXPOSURE_WEI, ZK_CHAIN_ID
from eth_abi.abi import encode
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.abi import function_abi_to_4byte_selector, get_abi_input_types
from evm_harness import ETHER, START_SECONDS, repeating_code

from bridge.work import Delivery, RecordZkRoot, WorkItem
from contracts import (
    OWNERSHIP_ORACLE_ADDRESS,
    PORTAL_ADDRESS,
    artifact,
    fast_predeploys,
    zk_predeploys,
)
from contracts.bindings import decode_message_sent, is_message_sent, send_call
from contracts.system_calls import system_transaction
from execution.engine import WasmEngine
from execution.reference import ReferenceEngine
from execution.types import (
    Address,
    BlockInput,
    BlockOutput,
    CallRequest,
    ChainSpec,
    GenesisAccount,
    Hash32,
)
from ledger.crossing import Message

PLAYER = Account.from_key(keccak(b"player"))
PLAYER_ADDRESS = Address(bytes.fromhex(PLAYER.address[2:]))
OWNERS_SLOT = artifact("AccessPass").storage_layout["erc721._owners"]
GAS_LIMIT = 60_000_000


def call_data(contract: str, function: str, *arguments: Any) -> bytes:
    """Return the call data of a function."""
    (entry,) = (e for e in artifact(contract).abi if e.get("name") == function)
    return bytes(function_abi_to_4byte_selector(entry)) + encode(
        get_abi_input_types(entry), arguments
    )


class TwoEngines:
    """One chain on both engines; every block must come out the same."""

    def __init__(self, chain_id: int, alloc: dict[Address, GenesisAccount]) -> None:
        self.chain_id = chain_id
        spec = ChainSpec(chain_id, GAS_LIMIT, START_SECONDS, alloc, is_base_fee_zero=True)
        self.stf = WasmEngine(spec)
        self.reference = ReferenceEngine(spec)
        self.nonce = 0

    def block(
        self,
        items: list[WorkItem],
        calls: list[tuple[Address | None, bytes, int]],
        *,
        failing: Set[int] = frozenset(),
    ) -> BlockOutput:
        """Execute a block of system transactions, then of the player's calls.

        ``failing`` are the receipts that have to be failures.
        """
        number = self.stf.head_number + 1
        block = BlockInput(
            number=number,
            timestamp_seconds=START_SECONDS + number,
            prev_randao=Hash32(keccak(number.to_bytes(8))),
            coinbase=Address(bytes(20)),
            gas_limit=GAS_LIMIT,
            system_transactions=tuple(
                system_transaction(100 * number + i, item) for i, item in enumerate(items)
            ),
            transactions=tuple(self._sign(*call) for call in calls),
            senders=(None,) * len(calls),
        )
        output = self.stf.execute(block)
        assert output == self.reference.execute(block)
        assert output.skipped == ()
        failed = {i for i, receipt in enumerate(output.receipts) if not receipt.is_success}
        assert failed == failing
        return output

    def messages(self, output: BlockOutput) -> list[Message]:
        """Return the outbox of a block."""
        logs = [log for receipt in output.receipts for log in receipt.logs]
        return [decode_message_sent(log, self.chain_id) for log in logs if is_message_sent(log)]

    def _sign(self, to: Address | None, data: bytes, value_wei: int) -> bytes:
        signed = PLAYER.sign_transaction(
            {
                "chainId": self.chain_id,
                "nonce": self.nonce,
                "gas": 5_000_000,
                "maxFeePerGas": 0,
                "maxPriorityFeePerGas": 0,
                "to": to or b"",
                "value": value_wei,
                "data": data,
            }
        )
        self.nonce += 1
        return bytes(signed.raw_transaction)


def test_a_pass_bought_on_one_chain_is_proved_on_the_other() -> None:
    funded = {PLAYER_ADDRESS: GenesisAccount(balance_wei=10 * ETHER)}
    zk = TwoEngines(ZK_CHAIN_ID, funded | zk_predeploys(FAST_CHAIN_ID, (), MAX_EXPOSURE_WEI))
    fast = TwoEngines(FAST_CHAIN_ID, fast_predeploys(ZK_CHAIN_ID))

    # ZK BLOCKS: deploy, buy, announce, and send value
    code = artifact("AccessPass").bytecode + encode(["uint256", "uint256"], [ETHER, 10])
    token = zk.block([], [(None, code, 0)]).receipts[0].contract_address
    assert token is not None
    bought = zk.block(
        [],
        [
            (token, call_data("AccessPass", "mint"), ETHER),
            (token, call_data("AccessPass", "announce_owner_slot"), 0),
            (PORTAL_ADDRESS, send_call(PLAYER_ADDRESS, 50_000, b""), 2 * ETHER),
        ],
    )

    # FAST BLOCK: record the root and deliver both messages
    messages = zk.messages(bought)
    assert [message.sender for message in messages] == [token, PLAYER_ADDRESS]
    root = RecordZkRoot(zk.stf.head_number, bought.state_root)
    fast.block([root, *map(Delivery, messages)], [])

    # PROOF, as `eth_getProof` of the product gives it
    slot = int.from_bytes(keccak(OWNERS_SLOT.to_bytes(32) + bytes(32)))
    proof = zk.stf.proof(token, [slot])
    arguments = (zk.stf.head_number, token, 0, PLAYER_ADDRESS, proof.nodes, proof.storage[0].nodes)
    fast.block(
        [],
        [
            (
                OWNERSHIP_ORACLE_ADDRESS,
                call_data("OwnershipOracle", "prove_ownership", *arguments),
                0,
            )
        ],
    )
    owner = fast.stf.call(
        CallRequest(
            sender=PLAYER_ADDRESS,
            to=OWNERSHIP_ORACLE_ADDRESS,
            data=call_data("OwnershipOracle", "owner_of", token, 0, 300),
        )
    )
    assert owner.output[12:] == PLAYER_ADDRESS

    # AND BACK: value returns to the ZK chain
    sent = fast.block([], [(PORTAL_ADDRESS, send_call(PLAYER_ADDRESS, 50_000, b""), ETHER)])
    zk.block([Delivery(message) for message in fast.messages(sent)], [])


def test_an_outbox_takes_512_messages_of_a_block_and_the_next_block_more() -> None:
    spammer = Address(b"\x5a" * 20)
    funded = {
        PLAYER_ADDRESS: GenesisAccount(balance_wei=ETHER),
        spammer: GenesisAccount(code=repeating_code()),
    }
    fast = TwoEngines(FAST_CHAIN_ID, funded | fast_predeploys(ZK_CHAIN_ID))
    send = send_call(PLAYER_ADDRESS, 50_000, b"")
    half: tuple[Address, bytes, int] = (spammer, (256).to_bytes(32) + send, 0)
    one: tuple[Address, bytes, int] = (PORTAL_ADDRESS, send, 1)

    full = fast.block([], [half, half, one, half], failing={2, 3})
    assert [message.nonce for message in fast.messages(full)] == list(range(512))
    after = fast.block([], [one, half])
    assert [message.nonce for message in fast.messages(after)] == list(range(512, 769))
