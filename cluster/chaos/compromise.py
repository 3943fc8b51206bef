"""A fast-chain executor that lies: the adversary who holds the execution of a node.

The lie is told where execution leaves the executor, so everything behind it (attestations,
checkpoints, deliveries) is the real thing. Nothing in the product knows of it: a running executor
is turned into a :class:`CompromisedExecutor` from outside, and back.

Executors with one :class:`Forgery` tell one and the same lie, as an adversary who holds all nodes
has them do; a different ``accent`` makes them differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from actors.execution_messages import ExecuteBlock, ExecutedBlock
from actors.executor.core import ChainExecutor
from bridge.work import Delivery
from contracts.addresses import PORTAL_ADDRESS
from contracts.bindings import decode_uint256, next_inbound_nonce_call
from contracts.system_calls import system_transaction
from execution.types import SYSTEM_ADDRESS, BlockInput, BlockOutput, CallRequest
from ledger.crossing import Message
from ledger.hashing import keccak
from ledger.types import ChainId, EvmAddress, EvmHash

FORGED_SYSTEM_NONCE: Final = 2**62
"""Far above the system nonces of the ledger, so that no two transactions have one hash."""


@dataclass(frozen=True, slots=True)
class ForgedMessage:
    """A message that nobody sent, in the name of any sender."""

    sender: EvmAddress
    target: EvmAddress
    value_wei: int = 0
    gas_limit: int = 100_000
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Forgery:
    """What a compromised executor says, from one fast block on.

    Attributes
    ----------
    first_number
        The first block that it lies about; earlier ones it executes honestly.
    messages
        Forged messages of each block, by number, behind those that were really sent.
    credits
        Balances that block ``first_number`` invents, by address, in wei: deposits that no message
        of the ZK chain brought. They are really in the forged state and can be spent.
    accent
        Part of every state root that it claims; empty for the root that its execution has.
    """

    first_number: int
    messages: Mapping[int, tuple[ForgedMessage, ...]] = field(default_factory=dict)
    credits: Mapping[EvmAddress, int] = field(default_factory=dict)
    accent: bytes = b""


class CompromisedExecutor(ChainExecutor):
    """An executor in the adversary's hands."""

    forgery: Forgery

    def _block_input(self, order: ExecuteBlock) -> BlockInput:
        block = super()._block_input(order)
        if order.number != self.forgery.first_number or not self.forgery.credits:
            return block
        nonce = self._next_inbound_nonce() + len(order.work.deliveries)
        forged = tuple(
            system_transaction(
                FORGED_SYSTEM_NONCE + index,
                Delivery(
                    Message(
                        source_chain_id=self._other_chain_id(),
                        nonce=nonce + index,
                        sender=address,
                        target=address,
                        value_wei=value_wei,
                        gas_limit=100_000,
                        data=b"",
                    )
                ),
            )
            for index, (address, value_wei) in enumerate(self.forgery.credits.items())
        )
        return replace(block, system_transactions=(*block.system_transactions, *forged))

    def _executed_block(
        self, order: ExecuteBlock, block: BlockInput, output: BlockOutput
    ) -> ExecutedBlock:
        honest = super()._executed_block(order, block, output)
        if order.number < self.forgery.first_number:
            return honest
        first_nonce = self._next_message_nonce(order, ())
        forged = tuple(
            Message(
                source_chain_id=ChainId(self.spec.chain_id),
                nonce=0,
                sender=entry.sender,
                target=entry.target,
                value_wei=entry.value_wei,
                gas_limit=entry.gas_limit,
                data=entry.data,
            )
            for entry in self.forgery.messages.get(order.number, ())
        )
        messages = tuple(
            replace(message, nonce=first_nonce + index)
            for index, message in enumerate((*honest.messages, *forged))
        )
        return replace(
            honest,
            state_root=self._claimed_root(honest.state_root),
            messages=messages,
            next_message_nonce=first_nonce + len(messages),
        )

    def _claimed_root(self, executed: EvmHash) -> EvmHash:
        accent = self.forgery.accent
        return EvmHash(keccak(accent + executed)) if accent else executed

    def _next_inbound_nonce(self) -> int:
        request = CallRequest(SYSTEM_ADDRESS, PORTAL_ADDRESS, next_inbound_nonce_call())
        return decode_uint256("Portal.next_inbound_nonce", self.engine.call(request).output)

    def _other_chain_id(self) -> ChainId:
        request = CallRequest(SYSTEM_ADDRESS, PORTAL_ADDRESS, keccak(b"remote_chain_id()")[:4])
        output = self.engine.call(request).output
        return ChainId(decode_uint256("Portal.remote_chain_id", output))


def compromise(executor: ChainExecutor, forgery: Forgery) -> None:
    """Turn a running executor into a lying one."""
    executor.__class__ = CompromisedExecutor
    assert isinstance(executor, CompromisedExecutor)
    executor.forgery = forgery


def restore(executor: ChainExecutor) -> None:
    """Turn it back: from the next block on it says what it executes, on what it holds by now."""
    executor.__class__ = ChainExecutor
