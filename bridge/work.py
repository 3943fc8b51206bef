"""What a block's execution starts with: the work that the ledger orders for its chain.

Each item becomes one system transaction. They come before the block's own
transactions, in the order of :meth:`ChainWork.numbered_items`, and each has the
next system nonce of its chain, so that no two have one hash.
"""

from dataclasses import dataclass, replace
from typing import Final

from ledger.crossing import Message
from ledger.types import BlockNumber, ChainRole, EvmAddress, EvmHash

MAX_DELIVERIES_PER_BLOCK: Final = 256
MAX_DELIVERY_GAS_PER_BLOCK: Final = 60_000_000
MAX_ZK_ROOTS_PER_BLOCK: Final = 8

MAX_MESSAGE_GAS: Final = 2_000_000
"""What a message's own call may use at most; a message that asks for more is not called."""

MAX_ZK_TRANSACTIONS_PER_BLOCK: Final = 48
MAX_ZK_TRANSACTION_BYTES_PER_BLOCK: Final = 48 * 1024
"""What a block of the ZK chain may list. A proof pays for each, be it executed or not."""

MAX_ZK_DELIVERY_CYCLES_PER_BLOCK: Final = 2_900_000
"""By :func:`delivery_cycles`: a block of the ZK chain has to fit into one proof, of 4,194,304
cycles, or nothing behind it could ever settle. The rest is for the users' transactions."""

MAX_ZK_ORDERED_CYCLES_PER_BLOCK: Final = 3_450_000
"""The same, with a transaction that L1 forces in, which has its whole budget (docs/proving.md)."""

LEDGER_CALLS_CYCLES: Final = 200_000
"""What the ledger's own calls take besides: a quarantine's change, the caps' halvings."""

MAX_FORCED_TRANSACTIONS_PER_BLOCK: Final = 1
"""So each has the whole gas limit of its block: none is left out for want of gas. The guest of
the zkVM refuses a block that delivers more."""

NOBODY: Final = EvmAddress(bytes(20))

_DELIVERY_FIXED_GAS: Final = 500_000
_DELIVERY_GAS_PER_BYTE: Final = 60

DELIVERY_FIXED_CYCLES: Final = 330_000
DELIVERY_CYCLES_PER_BYTE: Final = 20
LONGEST_CODE_CYCLES: Final = 450_000
"""What the longest code takes that a call may be the first to look at: copied, hashed, analysed."""

LEAST_GAS_FOR_A_CODE: Final = 2_600
"""With less a message's call looks at no code but its target's."""

MESSAGE_CYCLES_PER_GAS: Final = 4
MAX_MESSAGE_CYCLES: Final = 2_200_000
"""What a message's own call may cost to prove: the state transition function stops it there."""

FORCED_CYCLES: Final = 2_650_000
"""What a forced transaction may cost to prove, in the worst case."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Deliver the next message of the other chain's outbox, or of L1's queue."""

    message: Message


@dataclass(frozen=True, slots=True)
class RecordZkRoot:
    """Tell the fast chain's ``OwnershipOracle`` the state root of a ZK block."""

    number: BlockNumber
    state_root: EvmHash


@dataclass(frozen=True, slots=True)
class SetQuarantine:
    """Tell the ZK chain that the fast chain is cut off, or that it is back.

    ``last_good_checkpoint`` is the number of the last fast block whose state is trusted.
    """

    is_active: bool
    last_good_checkpoint: BlockNumber


@dataclass(frozen=True, slots=True)
class SetCapHalvings:
    """Tell the ZK chain's ``RoundGuard`` how tight the caps of rounds are from now on."""

    halvings: int


@dataclass(frozen=True, slots=True)
class SkipOutboundNonces:
    """Let the fast chain's outbox go on at ``next_nonce``: the first thing that a replay does.

    The nonces below it are taken by messages that the ZK chain has already.
    """

    next_nonce: int


WorkItem = Delivery | RecordZkRoot | SetQuarantine | SetCapHalvings | SkipOutboundNonces


@dataclass(frozen=True, slots=True)
class FastReplay:
    """The fast chain goes back to a certified checkpoint and executes what follows anew.

    The executor returns to the state after block ``checkpoint_number``, whose root
    must be ``checkpoint_state_root`` (all zero: the genesis state), and executes
    every stored later block again, each with :func:`amend_for_replay` of its work.
    """

    checkpoint_number: BlockNumber
    checkpoint_state_root: EvmHash
    next_message_nonce: int
    system_nonce: int


@dataclass(frozen=True, slots=True)
class ChainWork:
    """The work of one block of one chain.

    ``l1_deliveries`` are those from L1's queue, ``deliveries`` those from the other chain.
    ``replay`` is set on the block that ended a quarantine, which may be of either
    chain: the fast chain is to be replayed before anything later of it executes.
    ``skip`` is set on the first replayed block. ``coinbase`` is the proposer's.
    """

    role: ChainRole
    number: BlockNumber
    first_system_nonce: int
    quarantine: tuple[SetQuarantine, ...] = ()
    cap_halvings: SetCapHalvings | None = None
    zk_roots: tuple[RecordZkRoot, ...] = ()
    l1_deliveries: tuple[Delivery, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    skip: tuple[int, SkipOutboundNonces] | None = None
    replay: FastReplay | None = None
    coinbase: EvmAddress = NOBODY

    @property
    def next_system_nonce(self) -> int:
        """System nonce of the chain after this block."""
        return self.first_system_nonce + len(self._items())

    @property
    def forced_transactions(self) -> tuple[bytes, ...]:
        """Raw transactions that L1 forces in: the block's first ones after the system's."""
        return tuple(
            delivery.message.data
            for delivery in self.l1_deliveries
            if delivery.message.is_forced_transaction
        )

    def numbered_items(self) -> tuple[tuple[int, WorkItem], ...]:
        """All items with their system nonces, in the order of execution."""
        numbered = tuple(enumerate(self._items(), start=self.first_system_nonce))
        return numbered if self.skip is None else (self.skip, *numbered)

    def _items(self) -> tuple[WorkItem, ...]:
        caps = () if self.cap_halvings is None else (self.cap_halvings,)
        return (*self.quarantine, *caps, *self.zk_roots, *self.l1_deliveries, *self.deliveries)


def amend_for_replay(work: ChainWork, replay: FastReplay) -> ChainWork:
    """The work of a block of the fast chain, as a replay executes it.

    The first replayed block starts with the skip; one that an earlier replay had
    put on a later block is dropped, since this replay's covers it.
    """
    is_replayed = work.role is ChainRole.FAST and work.number > replay.checkpoint_number
    if not is_replayed:
        return work
    if work.number > replay.checkpoint_number + 1:
        return replace(work, skip=None)
    return replace(work, skip=(replay.system_nonce, SkipOutboundNonces(replay.next_message_nonce)))


def delivery_gas(message: Message) -> int:
    """Gas limit of the system transaction that delivers a message.

    Covers the message's own call (and the 1/64 that EIP-150 keeps back from it),
    its calldata, and the Portal's bookkeeping.
    """
    is_callable = message.gas_limit <= MAX_MESSAGE_GAS
    call_gas = message.gas_limit if is_callable else 0
    data_gas = _DELIVERY_GAS_PER_BYTE * len(message.data)
    return call_gas + call_gas // 63 + data_gas + _DELIVERY_FIXED_GAS


def delivery_cycles(message: Message) -> int:
    """What the delivery of a message may cost to prove.

    Beside its call a deposit takes 110,000 cycles, a message with value 145,000, 8,000 bytes of
    data 155,000 more, the Portal's own code 100,000 once a block (``tests/differential/guest``).
    The call has a budget by its gas (``stf/src/meter``), but its target's code is looked at
    before it, and one more when the budget is as good as spent.
    """
    fixed = DELIVERY_FIXED_CYCLES + DELIVERY_CYCLES_PER_BYTE * len(message.data)
    if message.is_forced_transaction:
        return fixed  # The Portal calls no reserved address.
    call_gas = message.gas_limit if message.gas_limit <= MAX_MESSAGE_GAS else 0
    code_count = 1 if call_gas < LEAST_GAS_FOR_A_CODE else 2
    call_cycles = min(MESSAGE_CYCLES_PER_GAS * call_gas, MAX_MESSAGE_CYCLES)
    return fixed + LONGEST_CODE_CYCLES * code_count + call_cycles


def count_deliverable(role: ChainRole, pending: tuple[Message, ...]) -> int:
    """How many messages from the front of a queue fit in one block: at least one, if any waits."""
    gas = cycles = forced_cycles = 0
    for count, message in enumerate(pending[:MAX_DELIVERIES_PER_BLOCK]):
        gas += delivery_gas(message)
        if role is ChainRole.ZK:
            cycles += delivery_cycles(message)
            forced_cycles += FORCED_CYCLES if message.is_forced_transaction else 0
        is_too_much = (
            gas > MAX_DELIVERY_GAS_PER_BLOCK
            or cycles > MAX_ZK_DELIVERY_CYCLES_PER_BLOCK
            or cycles + forced_cycles > MAX_ZK_ORDERED_CYCLES_PER_BLOCK
        )
        if is_too_much and count > 0:
            return count
    return min(len(pending), MAX_DELIVERIES_PER_BLOCK)


def deliverable_from_l1(pending: tuple[Message, ...]) -> tuple[Message, ...]:
    """The front of L1's queue that one block may deliver, if it has room.

    It ends before a forced transaction that would be one too many.
    """
    forced = 0
    for count, message in enumerate(pending[:MAX_DELIVERIES_PER_BLOCK]):
        forced += message.is_forced_transaction
        if forced > MAX_FORCED_TRANSACTIONS_PER_BLOCK:
            return pending[:count]
    return pending[:MAX_DELIVERIES_PER_BLOCK]
