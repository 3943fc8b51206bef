//! Executing a witness's blocks.

use super::crossing::{count_block, Totals};
use super::data::{BadBlockData, BlockData};
use super::events::BadEvent;
use super::forced::{check_forced, BadForced};
use super::statement::{chain_hash, Statement};
use super::witness::{BadWitness, Witness};
use crate::chain::ChainRules;
use crate::engine::{Engine, EngineError, RetainedBlock};
use crate::header::Header;
use crate::keccak::keccak256;
use crate::state::CodeStore;
use crate::trie::{resolve, BadNode, Encoder, NodeSource};
use alloc::collections::BTreeMap;
use core::fmt;
use revm::bytecode::Bytecode;
use revm::primitives::{hardfork::SpecId, Bytes, B256};

/// The rules that are proved.
const FORK: SpecId = SpecId::PRAGUE;

/// Why a witness proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchError {
    BadWitness,
    BadHeaders,
    BadNode,
    BadBlockData,
    BadEvent,
    NoBlocks,
    Engine(EngineError),
    BadForced(BadForced),
    GasLimitChanged,
}

impl BatchError {
    /// Exit code of the guest. 1 is a panic.
    pub fn exit_code(&self) -> u32 {
        match self {
            Self::BadWitness => 2,
            Self::BadHeaders => 3,
            Self::BadNode => 4,
            Self::BadBlockData => 5,
            Self::BadEvent => 6,
            Self::NoBlocks => 7,
            Self::Engine(_) => 8,
            Self::BadForced(BadForced::NotFirst) => 9,
            Self::BadForced(BadForced::MoreThanOne) => 10,
            Self::GasLimitChanged => 11,
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self {
            Self::BadWitness => "the bytes are no witness",
            Self::BadHeaders => "the headers are no chain of headers of this fork",
            Self::BadNode => "the nodes are no part of the state after the parent, in order",
            Self::BadBlockData => "the data of a block is malformed",
            Self::BadEvent => "a call or log of a predeploy is malformed",
            Self::NoBlocks => "a batch has at least one block",
            Self::Engine(error) => return error.fmt(formatter),
            Self::BadForced(bad) => return bad.fmt(formatter),
            Self::GasLimitChanged => "a block has another gas limit than its parent",
        };
        formatter.write_str(reason)
    }
}

impl From<BadWitness> for BatchError {
    fn from(_: BadWitness) -> Self {
        Self::BadWitness
    }
}

impl From<BadNode> for BatchError {
    fn from(_: BadNode) -> Self {
        Self::BadNode
    }
}

impl From<BadBlockData> for BatchError {
    fn from(_: BadBlockData) -> Self {
        Self::BadBlockData
    }
}

impl From<BadEvent> for BatchError {
    fn from(_: BadEvent) -> Self {
        Self::BadEvent
    }
}

impl From<BadForced> for BatchError {
    fn from(bad: BadForced) -> Self {
        Self::BadForced(bad)
    }
}

impl From<EngineError> for BatchError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// The statement of a batch whose witness is right.
pub fn run(encoded: &[u8]) -> Result<Statement, BatchError> {
    let witness = Witness::decode(encoded)?;
    let mut engine = start(&witness)?;
    let parent = engine.head();
    let (parent_number, previous_block_hash) = (parent.header.number, parent.hash);
    let previous_state_root = parent.header.state_root;

    let mut accumulators = witness.before;
    let mut totals = Totals::default();
    for encoded in witness.blocks.clone() {
        let block = BlockData::decode(encoded)?;
        accumulators.block_data = chain_hash(&accumulators.block_data, &keccak256(encoded));
        for certificate in &block.certificates {
            accumulators.certificates = chain_hash(&accumulators.certificates, certificate);
        }
        // A chain's gas limit is that of its genesis: a lower one would keep a forced transaction out.
        if block.input.gas_limit != engine.head().header.gas_limit {
            return Err(BatchError::GasLimitChanged);
        }
        let output = engine.execute(&block.input)?;
        let forced = count_block(
            witness.chain_id,
            witness.l1_chain_id,
            &block.input.system_transactions,
            &output.receipts,
            &mut accumulators,
            &mut totals,
        )?;
        check_forced(&forced, &block.input)?;
    }

    let last = engine.head();
    if last.header.number == parent_number {
        return Err(BatchError::NoBlocks);
    }
    Ok(Statement {
        chain_id: witness.chain_id,
        l1_chain_id: witness.l1_chain_id,
        is_base_fee_zero: witness.is_base_fee_zero,
        first_block: parent_number + 1,
        last_block: last.header.number,
        previous_state_root,
        new_state_root: last.header.state_root,
        previous_block_hash,
        last_block_hash: last.hash,
        before: witness.before,
        after: accumulators,
        inflows: totals.inflows.into_iter().collect(),
        rounds: totals.rounds.into_iter().collect(),
    })
}

/// The chain at the block before the batch, with the part of its state that the witness holds.
fn start(witness: &Witness<'_>) -> Result<Engine, BatchError> {
    let (parent, older_hashes) = check_headers(witness)?;
    let mut codes = CodeStore::default();
    for code in witness.codes.clone() {
        let raw = Bytes::copy_from_slice(code);
        codes.insert(
            keccak256(code),
            Bytecode::new_raw_checked(raw).map_err(|_| BatchError::BadWitness)?,
        );
    }
    let mut nodes = NodeSource::new(witness.nodes.clone());
    let accounts = resolve(&parent.0.state_root, &mut nodes)?;
    if !nodes.is_finished() {
        return Err(BatchError::BadNode);
    }
    let rules = ChainRules {
        chain_id: witness.chain_id,
        fork: FORK,
        // Of the genesis block, which no batch executes.
        initial_base_fee: 0,
        is_base_fee_zero: witness.is_base_fee_zero,
        is_metered: true,
    };
    let (header, hash) = parent;
    let head = RetainedBlock {
        header,
        hash,
        accounts,
    };
    Ok(Engine::new(
        rules,
        head,
        older_hashes,
        codes,
        Encoder::default(),
    ))
}

/// The parent with its hash, and the hashes of the blocks before it that the headers vouch for.
fn check_headers(
    witness: &Witness<'_>,
) -> Result<((Header, B256), BTreeMap<u64, B256>), BatchError> {
    let mut older_hashes = BTreeMap::new();
    let mut parent: Option<(Header, B256)> = None;
    for encoded in witness.headers.clone() {
        let header = Header::decode(encoded, FORK).ok_or(BatchError::BadHeaders)?;
        if let Some((before, hash)) = &parent {
            let is_next = before.number.checked_add(1) == Some(header.number);
            if !is_next || header.parent_hash != *hash {
                return Err(BatchError::BadHeaders);
            }
        }
        if let Some(number) = header.number.checked_sub(1) {
            older_hashes.insert(number, header.parent_hash);
        }
        parent = Some((header, keccak256(encoded)));
    }
    let parent = parent.ok_or(BatchError::BadHeaders)?;
    if parent.0.number == u64::MAX {
        return Err(BatchError::BadHeaders);
    }
    Ok((parent, older_hashes))
}
