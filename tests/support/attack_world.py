"""The ZK chain against a fast chain whose every word is the adversary's.

The rules of the ledger (:mod:`bridge.rules`), the real predeploys and the real engine, without a
network: a forged checkpoint, the votes on a quarantine and ordinary transactions go in, and after
each block of the ZK chain the books are checked. What thieves took is counted at them, so a hole
in the contracts' own counting would show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge_world import (
    FAST,
    GENESIS,
    ZK,
    LedgerWorld,
    build_block,
    checkpoint_of,
    quarantine_vote,
    resume_vote,
    root,
)
from engine_chain import ETHER, Key
from losses import call_data, exposure_from, exposure_of, query, read_many, rounds_of

from bridge.errors import BlockRejected
from bridge.exposure import ETH, AssetExposure
from bridge.work import ChainWork
from contracts.addresses import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.compiled import artifact
from contracts.predeploys import zk_predeploys
from contracts.system_calls import system_transaction
from execution.engine import WasmEngine
from execution.types import Address, BlockInput, BlockOutput, ChainSpec, GenesisAccount, Hash32
from ledger.crossing import (
    CertifiedCheckpoint,
    CheckpointCertificate,
    Message,
    OperatorVote,
)
from ledger.hashing import keccak
from ledger.signers import pack_signers
from ledger.types import BlsSignature, EvmAddress, TimestampMs, ValidatorIndex

FAST_WEI = 5 * ETHER
MAX_EXPOSURE_WEI = 100 * ETHER
UNIT_WEI = ETHER // 10
"""Value of one trophy in every round, so that trophies need not be told apart."""
STAKE_WEI = ETHER // 4
BLOCK_GAS = 60_000_000
TRANSACTION_GAS = 3_000_000
L1_TOKEN = Address(b"\x70" * 20)
TOKENS = EvmAddress(BRIDGED_TOKENS_ADDRESS)
ROLLUP = GENESIS.l1.rollup

OWNERS = tuple(Key(f"owner {index}") for index in range(2))
COLLUDER = Key("the owner of a dishonest game")
PLAYERS = tuple(Key(f"player {index}") for index in range(2))
THIEF = Key("thief")
RELAY = Address(b"\x4e" * 20)
RELAY_CODE = bytes.fromhex(
    "60143603806014600037600060008260003460003560601c5af160225760006000fd5b00"
)
"""Calls the address in the first 20 bytes of its call data with the rest and all value; reverts
with it. Takes no plain transfer."""
GAMES = tuple(EvmAddress(keccak(b"game %d" % index)[12:]) for index in range(3))


class BooksWrong(AssertionError):
    """An invariant does not hold."""


@dataclass
class AttackWorld:
    """One ZK chain that many schedules are played on, each from the same state.

    ``added_wei`` is what was exposed by others than the adversary since the schedule began.
    """

    engine: WasmEngine
    ledger: LedgerWorld
    trophies: tuple[Address, ...]
    nonces: dict[Address, int] = field(default_factory=dict)
    bound: dict[EvmAddress, int] = field(default_factory=dict)
    added: dict[EvmAddress, int] = field(default_factory=dict)
    parked: list[Message] = field(default_factory=list)
    blocks: int = 0
    messages: int = 0
    rejected: int = 0
    next_l1_token: int = 0
    is_ever_tight: bool = False
    tightenings: int = 0
    stakes: dict[tuple[int, Address], int] = field(default_factory=dict)

    @property
    def now_seconds(self) -> int:
        """Time of the newest ledger block."""
        return self.ledger.state.timestamp_ms // 1000

    @property
    def is_quarantined(self) -> bool:
        """Whether the ledger has cut the fast chain off."""
        return self.ledger.state.quarantine.is_active

    # THE LEDGER

    def fast_block(self) -> None:
        """Order a block of the fast chain; what it executes to is the adversary's word."""
        self.ledger.push(FAST)

    def certify(self, messages: Sequence[Message], number: int | None = None) -> bool:
        """Put a certified checkpoint with these messages on the ledger; whether it was taken."""
        sent = tuple(messages)
        chosen = self.ledger.state.fast.number if number is None else number
        checkpoint = checkpoint_of(
            self.ledger.state, FAST, chosen, sent, root(f"forged {self.messages}")
        )
        certificate = CheckpointCertificate(
            checkpoint, pack_signers(ValidatorIndex(index) for index in range(3)), _UNCHECKED
        )
        try:
            self.ledger.push(FAST, checkpoints=(CertifiedCheckpoint(certificate, sent),))
        except BlockRejected:
            self.rejected += 1
            return False
        self.messages += len(sent)
        return True

    def vote(self, votes: tuple[OperatorVote, ...]) -> None:
        """Put operator votes on the ledger."""
        self.ledger.push(FAST, operator_votes=votes)

    def vote_quarantine(self, count: int) -> None:
        """Have so many validators vote, those included that have voted."""
        quarantine = self.ledger.state.quarantine
        missing = [signer for signer in range(count) if signer not in quarantine.votes]
        self.vote(tuple(quarantine_vote(signer, quarantine.sequence) for signer in missing))

    def quarantine(self) -> None:
        """Cut the fast chain off by a quorum."""
        self.vote_quarantine(3)

    def tell_halvings(self) -> None:
        """A ZK block after votes: if it tightens the caps, the bound is smaller from then on."""
        caps = self.ledger.state.caps
        halvings = caps.halvings - caps.told_halvings
        before = self.exposure(ETH)
        self.zk_block()
        if halvings > 0:
            after = self.exposure(ETH)
            limit = (before.mintable + before.withdrawable) >> halvings
            if after.mintable + after.withdrawable > limit:
                raise BooksWrong(f"{after} after tightening, expected at most {limit} from rounds")
            self.tightenings += 1
            taken = self.taken()
            self.bound = {asset: taken[asset] + self.exposure(asset).total for asset in taken}
            self.added = {}

    def resume(self, number: int, state_root: Any) -> None:
        """Let the fast chain go on from a checkpoint, by a quorum."""
        sequence = self.ledger.state.quarantine.sequence
        self.vote(tuple(resume_vote(signer, number, state_root, sequence) for signer in range(3)))

    # THE ZK CHAIN

    def zk_block(
        self,
        *transactions: bytes,
        pass_seconds: int = 0,
        l1_messages: tuple[Message, ...] = (),
    ) -> list[bool]:
        """Order and execute a block; which of its transactions succeeded. Checks the books."""
        state = self.ledger.state
        time_ms = TimestampMs(state.timestamp_ms + 30 + 1000 * pass_seconds)
        sealed = build_block(state, ZK, l1_messages=l1_messages, timestamp_ms=time_ms)
        work = self.ledger.push_sealed(sealed)
        output = self._execute(work, transactions)
        system_count = len(output.receipts) - len(transactions)
        for receipt in output.receipts[:system_count]:
            if not receipt.is_success:
                raise BooksWrong(f"a system transaction reverted: {receipt.output.hex()}")
        self._note_parked(work, output)
        self.blocks += 1
        self.check()
        return [receipt.is_success for receipt in output.receipts[system_count:]]

    def transaction(
        self, key: Key, to: Address | None, data: bytes = b"", value_wei: int = 0
    ) -> bytes:
        """A signed transaction with the account's next nonce."""
        nonce = self.nonces.get(key.address, 0)
        self.nonces[key.address] = nonce + 1
        signed = key.account.sign_transaction(
            {
                "chainId": GENESIS.chain(ZK).chain_id,
                "nonce": nonce,
                "gas": TRANSACTION_GAS,
                "maxFeePerGas": 0,
                "maxPriorityFeePerGas": 0,
                "to": to or b"",
                "value": value_wei,
                "data": data,
            }
        )
        return bytes(signed.raw_transaction)

    def transact(
        self, key: Key, to: Address | None, signature: str, *arguments: Any, value_wei: int = 0
    ) -> bool:
        """Send one transaction in a block of its own."""
        data = call_data(signature, *arguments)
        (is_success,) = self.zk_block(self.transaction(key, to, data, value_wei))
        return is_success

    def expose(self, asset: EvmAddress, amount: int) -> None:
        """Note that others than the adversary exposed more."""
        self.added[asset] = self.added.get(asset, 0) + amount

    def _execute(self, work: ChainWork, transactions: Sequence[bytes]) -> BlockOutput:
        number = self.engine.head_number + 1
        return self.engine.execute(
            BlockInput(
                number=number,
                timestamp_seconds=self.now_seconds,
                prev_randao=Hash32(keccak(number.to_bytes(8))),
                coinbase=Address(bytes(20)),
                gas_limit=BLOCK_GAS,
                system_transactions=tuple(
                    system_transaction(nonce, item) for nonce, item in work.numbered_items()
                ),
                transactions=tuple(transactions),
                senders=(None,) * len(transactions),
            )
        )

    def _note_parked(self, work: ChainWork, output: BlockOutput) -> None:
        parked = {
            int.from_bytes(log.topics[1])
            for receipt in output.receipts
            for log in receipt.logs
            if log.address == PORTAL_ADDRESS and log.topics[0] == _PARKED
        }
        self.parked += [item.message for item in work.deliveries if item.message.nonce in parked]

    # THE BOOKS

    def exposure(self, asset: EvmAddress) -> AssetExposure:
        """What could be lost from now on."""
        return exposure_of(self.engine).of(asset)

    def taken(self) -> dict[EvmAddress, int]:
        """What the thieves hold, counted at them."""
        return self._taken(len(rounds_of(self.engine)))

    def _taken(self, round_count: int) -> dict[EvmAddress, int]:
        thieves = (THIEF.address, RELAY)
        names = ["0x" + thief.hex() for thief in thieves]
        wei_queries = [
            query(contract, signature, name)
            for name in names
            for contract, signature in (
                (ROUND_GUARD_ADDRESS, "credit_wei(address)"),
                (PORTAL_ADDRESS, "claimable_wei(address)"),
            )
        ]
        token_queries = [
            query(BRIDGED_TOKENS_ADDRESS, "balanceOf(address)", name) for name in names
        ]
        trophy_queries = [
            query(trophy, "balanceOf(address)", name) for name in names for trophy in self.trophies
        ] + [
            query(ROUND_GUARD_ADDRESS, "pending_trophies(uint256,address)", round_id, name)
            for name in names
            for round_id in range(1, round_count + 1)
        ]
        answers = read_many(self.engine, [*wei_queries, *token_queries, *trophy_queries])
        values = [value for (value,) in answers]
        after_wei, after_tokens = len(wei_queries), len(wei_queries) + len(token_queries)
        wei = sum(values[:after_wei])
        wei += sum(state.balance_wei for state in self.engine.accounts(thieves))
        wei += UNIT_WEI * sum(values[after_tokens:])
        return {ETH: wei, TOKENS: sum(values[after_wei:after_tokens])}

    def check(self) -> None:
        """Check every invariant.

        Raises
        ------
        BooksWrong
            If one does not hold.
        """
        rounds = rounds_of(self.engine)
        people = [key.address for key in (*OWNERS, COLLUDER, *PLAYERS, THIEF)]
        (locked,), (claimable,), (tokens,), (total,), (halvings,), *credits = read_many(
            self.engine,
            [
                query(PORTAL_ADDRESS, "locked_wei()"),
                query(PORTAL_ADDRESS, "claimable_total_wei()"),
                query(BRIDGED_TOKENS_ADDRESS, "locked_tokens()"),
                query(ROUND_GUARD_ADDRESS, "remaining_exposure_wei()"),
                query(ROUND_GUARD_ADDRESS, "cap_halvings()"),
                *(
                    query(ROUND_GUARD_ADDRESS, "credit_wei(address)", "0x" + address.hex())
                    for address in (*people, RELAY, PORTAL_ADDRESS)
                ),
            ],
        )

        # THE BOUND
        exposure = exposure_from(locked, tokens, rounds)
        taken = self._taken(len(rounds))
        for asset, bound in self.bound.items():
            limit, left = bound + self.added.get(asset, 0), exposure.of(asset).total
            if taken[asset] + left > limit:
                raise BooksWrong(
                    f"{taken[asset]} taken and {left} left to take, expected at most {limit}"
                )

        # SOLVENCY
        portal, guard = self.engine.accounts([PORTAL_ADDRESS, ROUND_GUARD_ADDRESS])
        open_rounds = [found for found in rounds if found.is_open]
        owed = sum(found.remaining_value_wei + found.bond_wei for found in open_rounds)
        owed += sum(self.stakes.values()) + sum(credit for (credit,) in credits)
        if portal.balance_wei < locked + claimable:
            raise BooksWrong(f"the portal has {portal.balance_wei}, owes {locked + claimable}")
        if guard.balance_wei < owed:
            raise BooksWrong(f"the guard has {guard.balance_wei}, owes {owed}")

        # TIGHTENING
        caps = self.ledger.state.caps
        if halvings != caps.told_halvings:
            raise BooksWrong(f"caps halved {halvings} times, expected {caps.told_halvings}")
        self.is_ever_tight = self.is_ever_tight or halvings > 0
        counted = sum(entry.total for entry in exposure.rounds)
        rounded_off = len(rounds) * (UNIT_WEI + 1) if self.is_ever_tight else 0
        if not counted <= total <= counted + rounded_off:
            raise BooksWrong(
                f"an exposure of {total}, expected {counted} and at most {rounded_off} more"
            )


_UNCHECKED = BlsSignature(bytes(96))
"""The rules take certificates as verified; that they are is the attestation pool's part."""
_PARKED = Hash32(keccak(b"MessageParked(uint256,bytes)"))


class Stage:
    """One engine with the games set up, on which schedules are played one after the other.

    Parameters
    ----------
    codes
        Other code for some of the predeploys: with a hole in it, for the search to find.
    """

    def __init__(self, codes: Mapping[Address, bytes] | None = None) -> None:
        funded = {
            key.address: GenesisAccount(balance_wei=1000 * ETHER)
            for key in (*OWNERS, COLLUDER, *PLAYERS)
        }
        alloc = funded | zk_predeploys(
            GENESIS.chain(FAST).chain_id,
            [GenesisAccount(balance_wei=FAST_WEI)],
            MAX_EXPOSURE_WEI,
            l1_chain_id=GENESIS.l1.chain_id,
            rollup=Address(ROLLUP),
        )
        for address, code in (codes or {}).items():
            alloc[address] = replace(alloc[address], code=code)
        alloc[RELAY] = GenesisAccount(balance_wei=0, nonce=1, code=RELAY_CODE)
        spec = ChainSpec(
            GENESIS.chain(ZK).chain_id,
            BLOCK_GAS,
            GENESIS.timestamp_ms // 1000,
            alloc,
            is_base_fee_zero=True,
        )
        self._engine = WasmEngine(spec)
        self._nonces: dict[Address, int] = {}
        world = AttackWorld(self._engine, LedgerWorld(), (), self._nonces)
        trophies = []
        for owner in (*OWNERS, COLLUDER):
            deploying = world.transaction(owner, None, artifact("Trophy").bytecode)
            output = world._execute(world.ledger.push(ZK), [deploying])
            created = output.receipts[-1].contract_address
            assert created is not None
            trophies.append(created)
            assert world.transact(
                owner, ROUND_GUARD_ADDRESS, "register_game(address)", "0x" + created.hex()
            )
        self._trophies = tuple(trophies)
        self._base = self._engine.head_number

    def new_world(self) -> AttackWorld:
        """The state right after the set-up, and an empty ledger."""
        self._engine.rollback(self._base)
        world = AttackWorld(self._engine, LedgerWorld(), self._trophies, dict(self._nonces))
        world.bound = {asset: world.exposure(asset).total for asset in (ETH, TOKENS)}
        return world


def forged(world: AttackWorld, offset: int, **fields: Any) -> Message:
    """A message of the fast chain's next outbox, at a position in it."""
    return Message(
        source_chain_id=GENESIS.chain(FAST).chain_id,
        nonce=world.ledger.state.fast.next_message_nonce + offset,
        **fields,
    )
