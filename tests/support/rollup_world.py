"""An L1 with the Rollup, and the ZK chain that settles on it; both on the product's own engine.

Everything is real but one thing: instead of the verifier there is a stand-in, which says yes to
the digests that a test has registered (:func:`registered_statements_code`). So the rules of the
Rollup can be tested without proofs; statements come from the code that the guest is built from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.work import Delivery
from contracts import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS, artifact, zk_predeploys
from contracts.l1 import (
    RollupSettings,
    batch_id,
    checkpoint_tuple,
    created_address,
    encode_key,
    encode_signature,
    l1_artifact,
)
from contracts.l1.batches import GENESIS_BATCH
from contracts.l1.deployment import rollup_init_code
from contracts.system_calls import system_transaction
from execution.block_data import BatchBlock, block_data_hash, encode_block_data
from execution.statement import Accumulators, Statement, digest, encode
from execution.types import Address, GenesisAccount, Hash32, Receipt
from execution.witness import build_witness, encode_witness, run_batch
from ledger.bls import BlsSigner, aggregate
from ledger.crossing import Checkpoint, Message, checkpoint_message
from ledger.hashing import keccak
from ledger.signers import pack_signers
from ledger.types import (
    BlockNumber,
    ChainId,
    Digest,
    EvmAddress,
    EvmHash,
    ValidatorIndex,
    quorum,
)
from tests.support.engine_chain import ETHER, DeployedContract, EngineChain, Key, Outcome

L1_CHAIN_ID = 900
ZK_CHAIN_ID = 7001
FAST_CHAIN_ID = 7002
GENESIS_DIGEST = Digest(keccak(b"a genesis of the ledger"))

INCLUSION_SECONDS = 1_000
ESCAPE_SECONDS = 5_000
TIMELOCK_SECONDS = 9_000
CAPACITY_WEI = 10 * ETHER
REFILL_WEI_PER_SECOND = ETHER // 100
MINTS_PER_ROUND = 50

DEPLOYER, OWNER, GUARDIAN, POSTER = map(Key, ("deployer", "owner", "guardian", "poster"))
ALICE, BOB, MALLORY = map(Key, ("alice", "bob", "mallory"))
ZK_GENESIS_WEI = 100 * ETHER
"""What each of Alice and Bob has on the ZK chain from the beginning."""
FAST_GENESIS_WEI = 30 * ETHER


def registered_statements_code() -> bytes:
    """Runtime code of the stand-in for the verifier: it knows what it was told by anyone.

    With a word as call data it notes that word; a call of ``isVerified(bytes32)`` asks for one.
    """
    return bytes.fromhex(
        "36602014601157"  # CALLDATASIZE 32 EQ, jump to 17
        "600435545f5260205ff3"  # return SLOAD(CALLDATALOAD(4))
        "5b60015f355500"  # 17: SSTORE(CALLDATALOAD(0), 1)
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch ready to be settled."""

    parent: Hash32
    checkpoint: Checkpoint
    blocks: tuple[bytes, ...]
    data_chain_before: Hash32
    data_chain: Hash32
    statements: tuple[Statement, ...]
    consumed: int

    @property
    def id(self) -> Hash32:
        """Id that the Rollup gives it."""
        return batch_id(self.parent, self.checkpoint, self.data_chain)


class ZkChain:
    """The ZK chain: takes L1's queue, makes blocks, and proves (says) what they do."""

    def __init__(self, alloc: dict[Address, GenesisAccount], rollup: Address) -> None:
        on_fast = [GenesisAccount(balance_wei=FAST_GENESIS_WEI)]
        predeploys = zk_predeploys(FAST_CHAIN_ID, on_fast, l1_chain_id=L1_CHAIN_ID, rollup=rollup)
        self.chain = EngineChain(ZK_CHAIN_ID, alloc | predeploys)
        self.blocks: list[BatchBlock] = []
        self.portal = DeployedContract(self.chain, artifact("Portal"), PORTAL_ADDRESS)
        self.tokens = DeployedContract(
            self.chain, artifact("BridgedTokens"), BRIDGED_TOKENS_ADDRESS
        )
        self._system_nonce = 0
        self._fast_nonce = 0

    @property
    def head(self) -> int:
        """Number of the last block."""
        return self.chain.engine.head_number

    def block(
        self, transactions: Sequence[bytes] = (), messages: Sequence[Message] = ()
    ) -> tuple[Receipt, ...]:
        """Execute a block that delivers messages first; its receipts."""
        system = []
        for message in messages:
            system.append(system_transaction(self._system_nonce, Delivery(message)))
            self._system_nonce += 1
        self.chain.now_seconds += 1
        block = self.chain.next_block(transactions, system)
        output = self.chain.execute(block)
        self.blocks.append(BatchBlock(block))
        return output.receipts

    def transact(self, key: Key, to: Address, data: bytes = b"", value_wei: int = 0) -> Receipt:
        """A block with one transaction, which has to succeed."""
        (receipt,) = self.block([self.chain.sign(key, to, data, value_wei, gas=2_000_000)])
        assert receipt.is_success
        return receipt

    def from_fast(
        self, sender: Address, target: Address, value_wei: int = 0, data: bytes = b""
    ) -> Message:
        """The next message of the fast chain."""
        nonce = self._fast_nonce
        self._fast_nonce += 1
        return Message(
            ChainId(FAST_CHAIN_ID),
            nonce,
            EvmAddress(sender),
            EvmAddress(target),
            value_wei,
            1_000_000,
            data,
        )

    def statement(self, first: int, last: int, before: Accumulators) -> Statement:
        """What the guest says of blocks that have been executed, first to last."""
        blocks = self.blocks[first - 1 : last]
        witness = build_witness(self.chain.engine, self.chain.spec, blocks, L1_CHAIN_ID, before)
        return run_batch(encode_witness(witness))


class RollupWorld:
    """The deployed contracts, and what the honest do with them."""

    def __init__(self, validator_count: int = 4) -> None:
        rich = GenesisAccount(balance_wei=1_000 * ETHER)
        people = (DEPLOYER, OWNER, GUARDIAN, POSTER, ALICE, BOB, MALLORY)
        self.verifier = Address(keccak(b"verifier")[12:])
        stand_in = GenesisAccount(code=registered_statements_code(), nonce=1)
        self.l1 = EngineChain(
            L1_CHAIN_ID, {key.address: rich for key in people} | {self.verifier: stand_in}
        )
        self.signers = [BlsSigner(1_000 + index) for index in range(validator_count)]
        self.registry = self.deploy_registry(self.signers, GENESIS_DIGEST)
        nonce = self.l1.next_nonce(DEPLOYER)
        rollup = created_address(DEPLOYER.address, nonce + 1)
        self.exits = self.l1.deploy(DEPLOYER, l1_artifact("Exits"), rollup)

        on_zk = GenesisAccount(balance_wei=ZK_GENESIS_WEI)
        self.zk = ZkChain({ALICE.address: on_zk, BOB.address: on_zk}, rollup)
        engine = self.zk.chain.engine
        self.settings = RollupSettings(
            zk_chain_id=ZK_CHAIN_ID,
            is_base_fee_zero=True,
            genesis_state_root=state_root(self.zk, 0),
            genesis_block_hash=engine.head_hash,
            verifier=self.verifier,
            registry=self.registry.address,
            exits=self.exits.address,
            owner=OWNER.address,
            guardian=GUARDIAN.address,
            inclusion_deadline_seconds=INCLUSION_SECONDS,
            escape_deadline_seconds=ESCAPE_SECONDS,
            timelock_seconds=TIMELOCK_SECONDS,
            eth_capacity_wei=CAPACITY_WEI,
            eth_refill_wei_per_second=REFILL_WEI_PER_SECOND,
            mints_per_round=MINTS_PER_ROUND,
        )
        backing = 2 * ZK_GENESIS_WEI + FAST_GENESIS_WEI
        created = self.l1.transact(DEPLOYER, None, rollup_init_code(self.settings), backing)
        assert created.is_success, created.reason
        assert created.created == rollup
        self.rollup = DeployedContract(self.l1, l1_artifact("Rollup"), rollup)
        self.token = self.l1.deploy(DEPLOYER, l1_artifact("TestToken"))
        self.delivered = 0
        self.queue: list[Message] = []
        self.end = Accumulators()
        self.last_id = GENESIS_BATCH
        self.last_block = 0

    def deploy_registry(self, signers: Sequence[BlsSigner], digest: Digest) -> DeployedContract:
        """A sealed registry of these validators."""
        registry = self.l1.deploy(DEPLOYER, l1_artifact("ValidatorRegistry"), digest)
        for signer in signers:
            key, possession = encode_key(signer.public_key), signer.prove_possession()
            registry.must(DEPLOYER, "register", key, encode_signature(possession))
        registry.must(DEPLOYER, "seal", len(signers))
        return registry

    # ---- INTO THE ZK CHAIN ----

    def enqueue(self, outcome: Outcome) -> Message:
        """Note the one entry that a transaction has put in the queue."""
        assert outcome.is_success, outcome.reason
        (event,) = self.rollup.events(outcome, "Enqueued")
        message = Message(
            ChainId(L1_CHAIN_ID),
            event["nonce"],
            EvmAddress(bytes.fromhex(event["sender"][2:])),
            EvmAddress(bytes.fromhex(event["target"][2:])),
            event["value_wei"],
            event["gas_limit"],
            event["data"],
        )
        self.queue.append(message)
        return message

    def deposit_eth(self, key: Key, value_wei: int, receiver: Key | None = None) -> Message:
        """Deposit ETH for an account of the ZK chain."""
        target = (receiver or key).address
        return self.enqueue(self.rollup.must(key, "deposit_eth", target, value_wei=value_wei))

    def deposit_token(self, key: Key, token_id: int) -> Message:
        """Mint a token on L1 and deposit it."""
        self.token.must(key, "mint", key.address, token_id)
        self.token.must(key, "approve", self.rollup.address, token_id)
        arguments = (self.token.address, token_id, key.address)
        return self.enqueue(self.rollup.must(key, "deposit_token", *arguments))

    def deliver(self, count: int | None = None) -> tuple[Receipt, ...]:
        """A ZK block that delivers the queue's next entries."""
        end = len(self.queue) if count is None else self.delivered + count
        messages = self.queue[self.delivered : end]
        self.delivered = end
        return self.zk.block(messages=messages)

    # ---- BATCHES ----

    def checkpoint(self, number: int) -> Checkpoint:
        """What validators attest of a block of the ZK chain."""
        return Checkpoint(
            chain_id=ChainId(ZK_CHAIN_ID),
            number=BlockNumber(number),
            ledger_digest=EvmHash(keccak(b"ledger" + number.to_bytes(8))),
            block_hash=EvmHash(block_hash(self.zk, number)),
            state_root=EvmHash(state_root(self.zk, number)),
            receipts_root=EvmHash(keccak(b"receipts" + number.to_bytes(8))),
            outbox_root=EvmHash(keccak(b"outbox" + number.to_bytes(8))),
            next_message_nonce=0,
        )

    def batch(self, segment_ends: Sequence[int] = ()) -> Batch:
        """The batch of all ZK blocks since the last one that was made; proved in segments."""
        last = self.zk.head
        assert last > self.last_block
        first, before, statements = self.last_block + 1, self.end, []
        for end in (*segment_ends, last):
            statements.append(self.zk.statement(first, end, before))
            first, before = end + 1, statements[-1].after
        encoded = tuple(map(encode_block_data, self.zk.blocks[self.last_block : last]))
        batch = Batch(
            parent=self.last_id,
            checkpoint=self.checkpoint(last),
            blocks=encoded,
            data_chain_before=self.end.block_data,
            data_chain=block_data_hash(self.end.block_data, encoded),
            statements=tuple(statements),
            consumed=self.delivered,
        )
        assert batch.data_chain == before.block_data
        self.end, self.last_id, self.last_block = before, batch.id, last
        return batch

    def certificate(
        self,
        checkpoint: Checkpoint,
        signers: Sequence[int] | None = None,
        genesis: Digest = GENESIS_DIGEST,
    ) -> tuple[bytes, bytes]:
        """Bitmap and aggregate signature over a checkpoint: of a quorum, unless they are named."""
        if signers is None:
            signers = range(quorum(len(self.signers)))
        message = checkpoint_message(genesis, checkpoint)
        signatures = [self.signers[index].sign(message) for index in signers]
        bitmap = pack_signers(map(ValidatorIndex, signers))
        return bitmap, encode_signature(aggregate(signatures))

    def post(self, batch: Batch) -> Outcome:
        """Post a batch's data."""
        lengths = list(map(len, batch.blocks))
        return self.rollup.must(
            POSTER, "post_data", batch.data_chain_before, lengths, b"".join(batch.blocks)
        )

    def commit_arguments(self, batch: Batch) -> tuple[Any, ...]:
        """Arguments of ``commit_batch``, with an honest certificate."""
        certificate = self.certificate(batch.checkpoint)
        fields = checkpoint_tuple(batch.checkpoint)
        return (batch.parent, fields, *certificate, batch.data_chain)

    def commit(self, batch: Batch) -> Outcome:
        """Post and commit a batch."""
        self.post(batch)
        return self.rollup.must(POSTER, "commit_batch", *self.commit_arguments(batch))

    def register(self, *statements: Statement) -> None:
        """Let the stand-in say that these statements are proved."""
        for statement in statements:
            assert self.l1.transact(POSTER, self.verifier, digest(statement)).is_success

    def prove(self, batch: Batch) -> Outcome:
        """Prove a committed batch."""
        self.register(*batch.statements)
        return self.rollup.must(POSTER, "prove_batch", *prove_arguments(batch))

    def finalize(self, batch: Batch) -> Outcome:
        """Make a proven batch final."""
        return self.rollup.must(POSTER, "finalize_batch", batch.id, batch.consumed)

    def settle(self, batch: Batch | None = None) -> Batch:
        """Post, commit, prove and finalize a batch: that of all new blocks, if none is given."""
        batch = batch or self.batch()
        self.commit(batch)
        self.prove(batch)
        self.finalize(batch)
        return batch

    # ---- OUT OF THE ZK CHAIN ----

    def proof(
        self, address: Address, *slots: int, number: int | None = None
    ) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """Account proof, and proof of the slot if one is asked for, at the last batch's end."""
        at = self.last_block if number is None else number
        proof = self.zk.chain.engine.proof(address, slots, at)
        return proof.nodes, proof.storage[0].nodes if slots else ()

    def open_escape_hatch(self) -> None:
        """Let the oldest waiting entry get too old, and open the hatch."""
        self.l1.pass_time(ESCAPE_SECONDS + 1)
        self.rollup.must(MALLORY, "open_escape_hatch")


def prove_arguments(batch: Batch, *statements: Statement) -> tuple[Any, ...]:
    """Arguments of ``prove_batch``: its own statements, or others."""
    return batch.id, [encode(statement) for statement in statements or batch.statements]


def forged(statement: Statement, **changes: Any) -> Statement:
    """The statement with another claim in it."""
    return replace(statement, **changes)


def state_root(zk: ZkChain, number: int) -> Hash32:
    """State root after a block of the ZK chain."""
    return Hash32(keccak(zk.chain.engine.proof(PORTAL_ADDRESS, [], number).nodes[0]))


def block_hash(zk: ZkChain, number: int) -> Hash32:
    """Hash of a block of the ZK chain."""
    head = zk.chain.engine.head_number
    assert number == head, f"expected the head {head}, got {number}"
    return zk.chain.engine.head_hash
