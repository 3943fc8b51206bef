//! A chain in memory: every retained block keeps the root of its state.

use crate::block::{execute_block, BlockError, BlockInput, Executed};
use crate::chain::{BlockContext, ChainRules};
use crate::header::Header;
use crate::keccak::keccak256;
use crate::receipt::Receipt;
use crate::recorder::{collect_nodes, Recorder, RecordingState, Touched};
use crate::skip_reason::SkipReason;
use crate::state::{
    apply_deltas, Account, AccountDelta, AccountTrie, CodeStore, MissingState, StateReader,
};
use crate::trie::{self, ordered_root, Encoder, Found, Key};
use alloc::{collections::BTreeMap, collections::VecDeque, rc::Rc, vec::Vec};
use core::cell::{Cell, RefCell};
use core::fmt;
use revm::bytecode::Bytecode;
use revm::primitives::alloy_primitives::Bloom;
use revm::primitives::{B256, U256};

/// Blocks whose state stays readable, besides all that are not final: what BLOCKHASH can name.
const RETAINED_BLOCKS: usize = 257;

/// One block whose state is readable.
pub struct RetainedBlock {
    pub header: Header,
    pub hash: B256,
    pub accounts: AccountTrie,
}

struct Chain {
    /// Consecutive, the head last; never empty.
    blocks: VecDeque<RetainedBlock>,
    /// Hashes of blocks before a snapshot's head.
    older_hashes: BTreeMap<u64, B256>,
}

impl Chain {
    fn head(&self) -> &RetainedBlock {
        self.blocks.back().expect("a chain keeps its head")
    }

    fn block(&self, number: u64) -> Option<&RetainedBlock> {
        let first = self.blocks.front()?.header.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.blocks.get(index)
    }

    fn hash(&self, number: u64) -> Option<B256> {
        let retained = self.block(number).map(|block| block.hash);
        retained.or_else(|| self.older_hashes.get(&number).copied())
    }
}

/// What an operation on retained blocks can refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    UnknownBlock { number: u64, oldest: u64, head: u64 },
    RollbackBelowFinalized { number: u64, finalized: u64 },
    Block(BlockError),
}

impl fmt::Display for EngineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownBlock {
                number,
                oldest,
                head,
            } => {
                write!(
                    formatter,
                    "block {number} is not retained: expected {oldest} to {head}"
                )
            }
            Self::RollbackBelowFinalized { number, finalized } => {
                write!(
                    formatter,
                    "rollback to {number}: block {finalized} is final"
                )
            }
            Self::Block(error) => error.fmt(formatter),
        }
    }
}

impl From<BlockError> for EngineError {
    fn from(error: BlockError) -> Self {
        Self::Block(error)
    }
}

/// Result of one block.
#[derive(Debug)]
pub struct BlockOutput {
    pub header: Header,
    pub header_rlp: Vec<u8>,
    pub hash: B256,
    pub included: Vec<Vec<u8>>,
    pub receipts: Vec<Receipt>,
    pub skipped: Vec<(u32, SkipReason)>,
    pub proving_costs: Vec<i64>,
    pub deltas: Vec<AccountDelta<Rc<Account>>>,
}

/// What a witness of some blocks holds, besides the blocks.
#[derive(Debug)]
pub struct Recording {
    /// Of ancestors as far back as BLOCKHASH looked, the parent last.
    pub headers: Vec<Vec<u8>>,
    pub codes: Vec<Vec<u8>>,
    pub nodes: Vec<Vec<u8>>,
}

/// A chain with its recent states.
pub struct Engine {
    pub rules: ChainRules,
    chain: Chain,
    codes: CodeStore,
    pub encoder: Encoder,
    finalized_number: u64,
    /// Counts those who read a state.
    executions: Cell<u32>,
}

impl Engine {
    /// A chain that starts, or goes on, at `head`, which counts as final.
    pub fn new(
        rules: ChainRules,
        head: RetainedBlock,
        older_hashes: BTreeMap<u64, B256>,
        codes: CodeStore,
        encoder: Encoder,
    ) -> Self {
        let finalized_number = head.header.number;
        let chain = Chain {
            blocks: VecDeque::from([head]),
            older_hashes,
        };
        Self {
            rules,
            chain,
            codes,
            encoder,
            finalized_number,
            executions: Cell::new(0),
        }
    }

    pub fn head(&self) -> &RetainedBlock {
        self.chain.head()
    }

    pub fn finalized_number(&self) -> u64 {
        self.finalized_number
    }

    pub fn code(&self, code_hash: &B256) -> Option<Bytecode> {
        self.codes.get(code_hash)
    }

    /// The block with this number, the head if `None`.
    pub fn block(&self, number: Option<u64>) -> Result<&RetainedBlock, EngineError> {
        let Some(number) = number else {
            return Ok(self.head());
        };
        self.chain
            .block(number)
            .ok_or_else(|| self.unknown_block(number))
    }

    fn oldest_number(&self) -> u64 {
        let oldest = self.chain.blocks.front();
        oldest.map_or(0, |block| block.header.number)
    }

    fn unknown_block(&self, number: u64) -> EngineError {
        EngineError::UnknownBlock {
            number,
            oldest: self.oldest_number(),
            head: self.head().header.number,
        }
    }

    /// State after a retained block, as contracts see it.
    pub fn state_at<'a>(&'a self, block: &'a RetainedBlock) -> RetainedState<'a> {
        self.executions.set(self.executions.get().wrapping_add(1));
        RetainedState {
            accounts: &block.accounts,
            codes: &self.codes,
            chain: &self.chain,
            execution: self.executions.get(),
        }
    }

    /// Environment of calls at a retained block.
    pub fn context_at(&self, block: &RetainedBlock) -> BlockContext {
        let header = &block.header;
        BlockContext {
            number: header.number,
            timestamp_seconds: header.timestamp_seconds,
            prev_randao: header.prev_randao,
            coinbase: header.coinbase,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee,
            excess_blob_gas: 0,
        }
    }

    /// State root that the head's state would have after `deltas`.
    pub fn state_root_with(
        &self,
        deltas: &[AccountDelta<Rc<Account>>],
    ) -> Result<B256, MissingState> {
        let mut encoder = Encoder::default();
        let accounts = apply_deltas(&self.head().accounts, deltas, &mut encoder)?;
        Ok(trie::root_hash(&accounts, &mut encoder))
    }

    /// Executes the block after the head, which becomes the head.
    pub fn execute(&mut self, block: &BlockInput<'_>) -> Result<BlockOutput, EngineError> {
        let parent = self.chain.head();
        let executed = execute_block(&self.rules, &parent.header, block, self.state_at(parent))?;
        let output = self.seal(block, executed)?;
        self.forget_old_blocks();
        Ok(output)
    }

    /// What a witness of `blocks`, which follow the retained block `parent`, has to hold.
    ///
    /// The chain is the same afterwards.
    pub fn record(
        &mut self,
        parent: u64,
        blocks: &[BlockInput<'_>],
    ) -> Result<Recording, EngineError> {
        let recorder = RefCell::new(Recorder::default());
        let oldest = self.oldest_number();
        let index = parent
            .checked_sub(oldest)
            .and_then(|index| usize::try_from(index).ok())
            .filter(|&index| index < self.chain.blocks.len())
            .ok_or_else(|| self.unknown_block(parent))?;

        let later = self.chain.blocks.split_off(index + 1);
        self.encoder.touched = Some(Touched::default());
        let outcome = self.execute_recorded(blocks, &recorder);
        let updated = self.encoder.touched.take().unwrap_or_default();
        self.chain.blocks.truncate(index + 1);
        self.chain.blocks.extend(later);
        outcome?;

        let mut recorder = recorder.into_inner();
        recorder.touched.merge(updated);
        let first_header = match recorder.oldest_block_hash {
            Some(number) if number < parent => number + 1,
            _ => parent,
        };
        let fork = self.rules.fork;
        let headers = (first_header..=parent)
            .map(|number| Ok(self.block(Some(number))?.header.encode(fork)))
            .collect::<Result<_, EngineError>>()?;
        let accounts = &self.block(Some(parent))?.accounts;
        Ok(Recording {
            headers,
            nodes: collect_nodes(accounts, &recorder.touched),
            codes: recorder.codes().map(<[u8]>::to_vec).collect(),
        })
    }

    fn execute_recorded(
        &mut self,
        blocks: &[BlockInput<'_>],
        recorder: &RefCell<Recorder>,
    ) -> Result<(), EngineError> {
        for block in blocks {
            let parent = self.chain.head();
            let state = RecordingState {
                state: self.state_at(parent),
                accounts: &parent.accounts,
                recorder,
            };
            let executed = execute_block(&self.rules, &parent.header, block, state)?;
            for delta in executed.deltas.iter().filter(|delta| delta.code.is_some()) {
                let deployed = delta.after.map(|fields| fields.code_hash);
                recorder.borrow_mut().deploy(deployed);
            }
            self.seal(block, executed)?;
        }
        Ok(())
    }

    /// The block that was executed on the head becomes the head.
    fn seal(
        &mut self,
        block: &BlockInput<'_>,
        executed: Executed<Rc<Account>>,
    ) -> Result<BlockOutput, BlockError> {
        let Executed {
            base_fee,
            gas_used,
            included,
            receipts,
            skipped,
            proving_costs,
            deltas,
        } = executed;

        for delta in &deltas {
            if let (Some(code), Some(fields)) = (&delta.code, &delta.after) {
                self.codes.insert(fields.code_hash, code.clone());
            }
        }
        let parent = self.chain.head();
        let accounts = apply_deltas(&parent.accounts, &deltas, &mut self.encoder)?;

        let mut logs_bloom = Bloom::ZERO;
        let encoded_receipts: Vec<Vec<u8>> = receipts
            .iter()
            .map(|receipt| {
                let bloom = receipt.bloom();
                logs_bloom |= bloom;
                receipt.encode(&bloom)
            })
            .collect();
        let header = Header {
            parent_hash: parent.hash,
            coinbase: block.coinbase,
            state_root: trie::root_hash(&accounts, &mut self.encoder),
            transactions_root: ordered_root(&included, &mut self.encoder)?,
            receipts_root: ordered_root(&encoded_receipts, &mut self.encoder)?,
            logs_bloom,
            number: block.number,
            gas_limit: block.gas_limit,
            gas_used,
            timestamp_seconds: block.timestamp_seconds,
            prev_randao: block.prev_randao,
            base_fee,
        };
        let header_rlp = header.encode(self.rules.fork);
        let hash = keccak256(&header_rlp);
        self.chain.blocks.push_back(RetainedBlock {
            header: header.clone(),
            hash,
            accounts,
        });
        Ok(BlockOutput {
            header,
            header_rlp,
            hash,
            included,
            receipts,
            skipped,
            proving_costs,
            deltas,
        })
    }

    /// Makes block `number` the head again.
    pub fn rollback(&mut self, number: u64) -> Result<(), EngineError> {
        if number < self.finalized_number {
            let finalized = self.finalized_number;
            return Err(EngineError::RollbackBelowFinalized { number, finalized });
        }
        if self.chain.block(number).is_none() {
            return Err(self.unknown_block(number));
        }
        while self.chain.head().header.number > number {
            self.chain.blocks.pop_back();
        }
        Ok(())
    }

    /// Marks block `number` and all before it as final; older calls change nothing.
    pub fn finalize(&mut self, number: u64) -> Result<(), EngineError> {
        if number > self.chain.head().header.number {
            return Err(self.unknown_block(number));
        }
        self.finalized_number = self.finalized_number.max(number);
        self.forget_old_blocks();
        Ok(())
    }

    fn forget_old_blocks(&mut self) {
        let blocks = &mut self.chain.blocks;
        while blocks.len() > RETAINED_BLOCKS && blocks[0].header.number < self.finalized_number {
            blocks.pop_front();
        }
        let head_number = self.chain.head().header.number;
        let oldest_named = head_number.saturating_sub(RETAINED_BLOCKS as u64);
        while self
            .chain
            .older_hashes
            .first_key_value()
            .is_some_and(|(&old, _)| old < oldest_named)
        {
            self.chain.older_hashes.pop_first();
        }
    }
}

/// State after one retained block.
#[derive(Clone, Copy)]
pub struct RetainedState<'a> {
    accounts: &'a AccountTrie,
    codes: &'a CodeStore,
    chain: &'a Chain,
    /// Which of the engine's executions reads it.
    execution: u32,
}

impl StateReader for RetainedState<'_> {
    type Account = Rc<Account>;

    fn account(&self, hashed_address: &B256) -> Result<Found<Rc<Account>>, MissingState> {
        let found = trie::find(
            self.accounts,
            &Key::from_hash(hashed_address),
            self.execution,
        )?;
        Ok(Found {
            value: found.value.cloned(),
            branches: found.branches,
        })
    }

    fn storage(
        &self,
        account: &Rc<Account>,
        hashed_slot: &B256,
    ) -> Result<Found<U256>, MissingState> {
        let found = trie::find(
            &account.storage,
            &Key::from_hash(hashed_slot),
            self.execution,
        )?;
        Ok(Found {
            value: found.value.copied(),
            branches: found.branches,
        })
    }

    fn code(&self, code_hash: &B256) -> Result<Bytecode, MissingState> {
        self.codes.get(code_hash).ok_or(MissingState)
    }

    fn block_hash(&self, number: u64) -> Result<Option<B256>, MissingState> {
        // revm asks for the last 256 blocks only, and a chain knows those that it has had.
        self.chain.hash(number).map(Some).ok_or(MissingState)
    }
}
