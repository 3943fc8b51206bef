//! What each piece of work costs to prove, in cycles of the zkVM: upper bounds, measured.
//!
//! A call of an accelerator counts more than its own instruction, so that its chip's table stays
//! small: 768 cycles a permutation, so a block has at most 2^22 / 768 of them, which is 2^17 rows.
//! `execution/proving_costs.py` has the same numbers for the reference engine, and a test compares.

use revm::bytecode::opcode::*;

/// Most that one proof covers.
const PROOF: u32 = 1 << 22;
/// What a transaction may cost.
pub const TRANSACTION_BUDGET: u32 = 2_200_000;
/// By how much a charge that can only be made afterwards may exceed a budget: the longest code,
/// and the longest paths to its account and its slots.
pub const OVERSHOOT: u32 = 450_000;
/// A block's own work: headers, the roots, the statement.
pub const BLOCK_BASE: u32 = 160_000;
/// What the transactions of a block, the system's included, may cost.
pub const BLOCK_BUDGET: u32 = PROOF - BLOCK_BASE;

/// Keccak-f permutation, with absorbing what it takes in.
pub const PERMUTATION: u32 = 768;
const PERMUTATION_BYTES: u32 = 136;

/// A transaction of a block, whatever becomes of it: its place in the data.
pub const LISTED: u32 = 1_500;
/// A byte of a transaction in the data of its block: hashed once.
pub const LISTED_BYTE: u32 = 6;
/// A transaction that is tried: decoding, signature, three hashes, receipt, two places in tries.
pub const TRANSACTION: u32 = 50_000;
/// A byte of one: copied, hashed twice for itself and once in its trie.
pub const TRANSACTION_BYTE: u32 = 34;
/// An address or a slot of an access list, and more for each two of them, as for `LOOKUPS`.
pub const ACCESS_ENTRY: u32 = 900;
pub const ACCESS_PAIR: u32 = 60;
/// An entry of an authorization list (EIP-7702), with its signature.
pub const AUTHORIZATION: u32 = 45_000;

/// The first time that a transaction looks at an account: loading it, and a change of the trie's shape.
pub const ACCOUNT: u32 = 8_000;
/// The same of a storage slot.
pub const SLOT: u32 = 6_500;
/// A branch of a trie on the way there that nothing in the block has come by yet: decoded, hashed,
/// and at the end encoded and hashed again.
pub const BRANCH: u32 = 15_000;
/// A code that a block looks at for the first time, by byte: copied, hashed, and its jumps looked for.
pub const CODE_BYTE: u32 = 24;

/// A word of memory that a frame grows by.
pub const GROWN_WORD: u32 = 30;
/// Memory that grows, however little.
pub const GROWTH: u32 = 400;
/// A word that MCOPY moves, one byte after the other where ranges overlap.
pub const MOVED_WORD: u32 = 280;
/// A header that BLOCKHASH reaches back over, and no earlier one of the block did.
pub const HEADER: u32 = 15_000;
/// A word that is copied.
pub const COPIED_WORD: u32 = 90;
/// A word of a log: copied, encoded, hashed.
pub const LOGGED_WORD: u32 = 420;
/// A word of code that a creation runs: copied, and its jumps looked for.
pub const INITCODE_WORD: u32 = 560;
/// A word of code that a creation leaves: copied, hashed, and its jumps looked for.
pub const DEPOSITED_WORD: u32 = 720;
/// A byte of an exponent of EXP.
pub const EXPONENT_BYTE: u32 = 5_000;

/// What is never provable within a budget.
pub const NEVER: u32 = 1 << 27;

/// Precompile at an address 1 to 17: fixed cost, and cost per word of the input.
pub const PRECOMPILES: [(u32, u32); 17] = [
    (45_000, 100),  // ECRECOVER
    (8_000, 2_600), // SHA256
    (8_000, 1_700), // RIPEMD160
    (2_000, 100),   // IDENTITY
    (30_000, 100),  // MODEXP, and more: see `modexp`
    (NEVER, 0),     // BN254 ADD
    (NEVER, 0),     // BN254 MUL
    (NEVER, 0),     // BN254 PAIRING
    (5_000, 100),   // BLAKE2F, and more: see `BLAKE2F_ROUND`
    (NEVER, 0),     // KZG
    (NEVER, 0),     // BLS12-381
    (NEVER, 0),
    (NEVER, 0),
    (NEVER, 0),
    (NEVER, 0),
    (NEVER, 0),
    (NEVER, 0),
];
pub const BLAKE2F_ROUND: u32 = 900;
/// A bit of the exponent of MODEXP, and more for the square of the operands' length in 64-bit words.
pub const MODEXP_BIT: u32 = 450;
pub const MODEXP_SQUARE: u32 = 280;

/// All numbers but those of opcodes and precompiles, for comparison.
pub const OTHERS: &[u32] = &[
    TRANSACTION_BUDGET,
    OVERSHOOT,
    BLOCK_BUDGET,
    PERMUTATION,
    LISTED,
    LISTED_BYTE,
    TRANSACTION,
    TRANSACTION_BYTE,
    ACCESS_ENTRY,
    ACCESS_PAIR,
    AUTHORIZATION,
    ACCOUNT,
    SLOT,
    BRANCH,
    CODE_BYTE,
    GROWTH,
    GROWN_WORD,
    COPIED_WORD,
    MOVED_WORD,
    HEADER,
    LOGGED_WORD,
    INITCODE_WORD,
    DEPOSITED_WORD,
    EXPONENT_BYTE,
    BLAKE2F_ROUND,
    MODEXP_BIT,
    MODEXP_SQUARE,
    INNER_CYCLES_PER_GAS,
    INNER_BUDGET,
    NEVER,
];

/// Permutations that hash so many bytes.
pub const fn permutations(bytes: u32) -> u32 {
    bytes / PERMUTATION_BYTES + 1
}

/// Cost of MODEXP by the lengths in bytes that its input names.
pub fn modexp(base: u32, exponent: u32, modulus: u32) -> u32 {
    let words = base.max(modulus).div_ceil(8).max(1);
    let bits = exponent.saturating_mul(8).max(1);
    let square = words.saturating_mul(words);
    let per_bit = square
        .saturating_mul(MODEXP_SQUARE)
        .saturating_add(MODEXP_BIT);
    per_bit.saturating_mul(bits).min(NEVER)
}

/// Cost of a transaction of so many bytes before it does anything.
pub const fn transaction(length: usize) -> u32 {
    TRANSACTION + TRANSACTION_BYTE * length as u32
}

/// Cost of an access list of so many addresses and slots.
pub fn access_list(entries: u32) -> u32 {
    let pairs = entries.saturating_mul(entries) / 2;
    let cost = ACCESS_PAIR.saturating_mul(pairs);
    cost.saturating_add(ACCESS_ENTRY.saturating_mul(entries))
        .min(NEVER)
}

/// Cost of running so many bytes of code in order to create an account.
pub const fn creation(length: usize) -> u32 {
    BASE[CREATE as usize] + INITCODE_WORD * length.div_ceil(32) as u32
}

/// What a call of the protocol's own code into the open may cost, by the gas that it gets.
pub const INNER_CYCLES_PER_GAS: u32 = 4;
pub const INNER_BUDGET: u32 = 2_200_000;

pub fn inner_budget(gas: u64) -> u32 {
    let cycles = gas.saturating_mul(u64::from(INNER_CYCLES_PER_GAS));
    cycles.min(u64::from(INNER_BUDGET)) as u32
}

/// Cost of an opcode, whatever its operands.
pub const BASE: [u32; 256] = base();

const fn base() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < RANGES.len() {
        let (first, last, cost) = RANGES[at];
        let mut opcode = first as usize;
        while opcode <= last as usize {
            table[opcode] = cost;
            opcode += 1;
        }
        at += 1;
    }
    table
}

/// First and last opcode, and the cost of each. What is in no range halts, and costs nothing.
const RANGES: &[(u8, u8, u32)] = &[
    (ADD, ADD, 120),
    (MUL, MUL, 370),
    (SUB, SUB, 120),
    (DIV, SMOD, 2_000),
    (ADDMOD, ADDMOD, 3_000),
    (MULMOD, MULMOD, 5_500),
    (EXP, EXP, 500),
    (SIGNEXTEND, SIGNEXTEND, 180),
    (LT, GT, 110),
    (SLT, SGT, 180),
    (EQ, BYTE, 110),
    (SHL, SAR, 240),
    (KECCAK256, KECCAK256, 250),
    (ADDRESS, ADDRESS, 140),
    (BALANCE, BALANCE, 1_000),
    (ORIGIN, CALLVALUE, 140),
    (CALLDATALOAD, CALLDATALOAD, 300),
    (CALLDATASIZE, CALLDATASIZE, 140),
    (CALLDATACOPY, CALLDATACOPY, 400),
    (CODESIZE, CODESIZE, 140),
    (CODECOPY, CODECOPY, 400),
    (GASPRICE, GASPRICE, 150),
    (EXTCODESIZE, EXTCODECOPY, 1_200),
    (RETURNDATASIZE, RETURNDATASIZE, 140),
    (RETURNDATACOPY, RETURNDATACOPY, 400),
    (EXTCODEHASH, EXTCODEHASH, 1_200),
    (BLOCKHASH, BLOCKHASH, 1_500),
    (COINBASE, NUMBER, 140),
    (DIFFICULTY, DIFFICULTY, 300),
    (GASLIMIT, CHAINID, 140),
    (SELFBALANCE, SELFBALANCE, 800),
    (BASEFEE, BLOBBASEFEE, 140),
    (POP, POP, 60),
    (MLOAD, MSTORE, 270),
    (MSTORE8, MSTORE8, 180),
    (SLOAD, SLOAD, 1_000),
    (SSTORE, SSTORE, 7_000),
    (JUMP, JUMPI, 120),
    (PC, GAS, 140),
    (JUMPDEST, JUMPDEST, 45),
    (TLOAD, TLOAD, 400),
    (TSTORE, TSTORE, 2_200),
    (MCOPY, MCOPY, 400),
    (PUSH0, PUSH8, 90),
    (PUSH9, PUSH20, 130),
    (PUSH21, PUSH32, 190),
    (DUP1, DUP16, 100),
    (SWAP1, SWAP16, 200),
    (LOG0, LOG0, 2_200),
    (LOG1, LOG1, 3_600),
    (LOG2, LOG2, 5_000),
    (LOG3, LOG3, 6_500),
    (LOG4, LOG4, 8_000),
    (CREATE, CREATE, 16_000),
    (CALL, CALLCODE, 7_200),
    (RETURN, RETURN, 250),
    (DELEGATECALL, DELEGATECALL, 5_200),
    (CREATE2, CREATE2, 16_000),
    (STATICCALL, STATICCALL, 5_200),
    (REVERT, REVERT, 250),
    (SELFDESTRUCT, SELFDESTRUCT, 6_000),
];

/// What an opcode that looks into the state costs more for each account that its transaction has
/// looked at, each slot, and each TSTORE that it made: whoever chooses the keys of a hash table can
/// have them all collide.
pub const LOOKUPS: &[(u8, [u32; 3])] = &[
    (BALANCE, [40, 0, 0]),
    (EXTCODESIZE, [40, 0, 0]),
    (EXTCODECOPY, [40, 0, 0]),
    (EXTCODEHASH, [40, 0, 0]),
    (SELFBALANCE, [40, 0, 0]),
    (SLOAD, [40, 40, 0]),
    (SSTORE, [60, 60, 0]),
    (TLOAD, [0, 0, 60]),
    (TSTORE, [0, 0, 60]),
    (CREATE, [240, 0, 0]),
    (CALL, [200, 0, 0]),
    (CALLCODE, [200, 0, 0]),
    (DELEGATECALL, [120, 0, 0]),
    (CREATE2, [240, 0, 0]),
    (STATICCALL, [120, 0, 0]),
    (SELFDESTRUCT, [200, 0, 0]),
];

/// The same by opcode.
pub const LOOKUP: [[u32; 3]; 256] = lookup();

const fn lookup() -> [[u32; 3]; 256] {
    let mut table = [[0; 3]; 256];
    let mut at = 0;
    while at < LOOKUPS.len() {
        table[LOOKUPS[at].0 as usize] = LOOKUPS[at].1;
        at += 1;
    }
    table
}
