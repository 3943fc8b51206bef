# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Statements of proved batches
@license Apache-2.0
@notice Reads the encoding of `execution/statement.py`: words of 32 bytes,

            0 domain            1 chain id          2 L1 chain id      3 is the base fee zero
            4 first block       5 last block        6, 7 state root before and after
            8, 9 block hash before and after        10 .. 19 the five hash chains, before and after
            20 count, then pairs (asset, amount)    count, then triples (round, mints, value)

        and joins consecutive statements as its `combine` does. What the words claim is true where
        the verifier knows the digest; here it is checked that they speak of this chain and go on
        exactly where the one before ended.
"""

# @dev keccak256("Braid batch statement 1").
DOMAIN: constant(bytes32) = keccak256("Braid batch statement 1")

# @dev Most inflow pairs and round triples of one statement; see `MAX_ROUNDS`.
MAX_INFLOWS: constant(uint256) = 16

# @dev Most rounds of one batch: as many as the messages that one block can deliver.
MAX_ROUNDS: constant(uint256) = 256

# @dev 22 fixed words, the pairs and the triples.
MAX_STATEMENT_BYTES: constant(uint256) = 26_304

# @dev Words before the inflows' pairs, and where the chains begin.
FIXED_WORDS: constant(uint256) = 21
CHAINS_WORD: constant(uint256) = 10


# @dev Where a batch ends, so that the next one can go on there. `other_chains` is the hash of the
# ends of the chains `inbound`, `certificates` and `outbox`.
struct BatchEnd:
    block_number: uint256
    block_hash: bytes32
    state_root: bytes32
    block_data: bytes32
    deposits: bytes32
    other_chains: bytes32


# @dev What a statement is about, beside where it begins and ends.
struct ProvedChain:
    chain_id: uint256
    l1_chain_id: uint256
    is_base_fee_zero: bool


struct Inflow:
    asset: address
    amount: uint256


struct RoundMints:
    round_id: uint256
    mints: uint256


@internal
@pure
def _follow(
    end: BatchEnd, proved: ProvedChain, statement: Bytes[MAX_STATEMENT_BYTES]
) -> BatchEnd:
    """
    @dev Returns where a statement ends; reverts unless it is one of this chain that begins at `end`.
    """
    assert len(statement) >= 32 * (FIXED_WORDS + 1), "statement: too short"

    # WHICH CHAIN
    assert self._word(statement, 0) == DOMAIN, "statement: another domain"
    assert self._number(statement, 1) == proved.chain_id, "statement: another chain"
    assert self._number(statement, 2) == proved.l1_chain_id, "statement: another L1"
    is_base_fee_right: bool = self._number(statement, 3) == convert(proved.is_base_fee_zero, uint256)
    assert is_base_fee_right, "statement: another base fee rule"

    # WHERE IT BEGINS
    assert self._number(statement, 4) == end.block_number + 1, "statement: another first block"
    assert self._word(statement, 6) == end.state_root, "statement: another previous state root"
    assert self._word(statement, 8) == end.block_hash, "statement: another previous block hash"
    before: BatchEnd = self._read_end(statement, 0)
    assert before.block_data == end.block_data, "statement: another previous data"
    assert before.deposits == end.deposits, "statement: another previous deposit"
    assert before.other_chains == end.other_chains, "statement: other previous messages"

    # WHERE IT ENDS
    after: BatchEnd = self._read_end(statement, 1)
    after.block_number = self._number(statement, 5)
    after.state_root = self._word(statement, 7)
    after.block_hash = self._word(statement, 9)
    assert after.block_number > end.block_number, "statement: no block"
    return after


@internal
@pure
def _read_end(statement: Bytes[MAX_STATEMENT_BYTES], offset: uint256) -> BatchEnd:
    """
    @dev Returns the five chains, before (offset 0) or after (offset 1) the batch.
    """
    first: uint256 = CHAINS_WORD + offset
    end: BatchEnd = empty(BatchEnd)
    end.block_data = self._word(statement, first)
    end.deposits = self._word(statement, first + 2)
    end.other_chains = keccak256(
        concat(
            self._word(statement, first + 4),
            self._word(statement, first + 6),
            self._word(statement, first + 8),
        )
    )
    return end


@internal
@pure
def _read_inflows(statement: Bytes[MAX_STATEMENT_BYTES]) -> DynArray[Inflow, MAX_INFLOWS]:
    """
    @dev Returns what came from the fast chain, by asset.
    """
    count: uint256 = self._number(statement, FIXED_WORDS - 1)
    assert count <= MAX_INFLOWS, "statement: too many assets"
    inflows: DynArray[Inflow, MAX_INFLOWS] = []
    for i: uint256 in range(count, bound=MAX_INFLOWS):
        asset: uint256 = self._number(statement, FIXED_WORDS + 2 * i)
        amount: uint256 = self._number(statement, FIXED_WORDS + 2 * i + 1)
        inflows.append(Inflow(asset=convert(asset, address), amount=amount))
    return inflows


@internal
@pure
def _read_rounds(statement: Bytes[MAX_STATEMENT_BYTES]) -> DynArray[RoundMints, MAX_ROUNDS]:
    """
    @dev Returns the trophies that rounds were granted; reverts unless the statement ends there.
    """
    at: uint256 = FIXED_WORDS + 2 * self._number(statement, FIXED_WORDS - 1)
    count: uint256 = self._number(statement, at)
    assert count <= MAX_ROUNDS, "statement: too many rounds"
    assert len(statement) == 32 * (at + 1 + 3 * count), "statement: another length"
    rounds: DynArray[RoundMints, MAX_ROUNDS] = []
    for i: uint256 in range(count, bound=MAX_ROUNDS):
        round_id: uint256 = self._number(statement, at + 1 + 3 * i)
        mints: uint256 = self._number(statement, at + 2 + 3 * i)
        if mints > 0:
            rounds.append(RoundMints(round_id=round_id, mints=mints))
    return rounds


@internal
@pure
def _word(statement: Bytes[MAX_STATEMENT_BYTES], index: uint256) -> bytes32:
    """
    @dev Returns a word; reverts past the end.
    """
    return extract32(statement, 32 * index)


@internal
@pure
def _number(statement: Bytes[MAX_STATEMENT_BYTES], index: uint256) -> uint256:
    """
    @dev Returns a word as a number.
    """
    return convert(extract32(statement, 32 * index), uint256)
