//! The state transition of one block, pure over a [`StateReader`].

use crate::batch::{delivered_target, FORCED_TRANSACTION, PORTAL};
use crate::chain::{BlockContext, ChainRules};
use crate::header::Header;
use crate::keccak::keccak256;
use crate::meter::{costs, metered_instructions, BlockBudget, Meter, MeteredPrecompiles};
use crate::overlay::Overlay;
use crate::receipt::Receipt;
use crate::skip_reason::SkipReason;
use crate::state::{AccountDelta, MissingState, StateReader};
use crate::transaction::{Transaction, BLOB, SET_CODE};
use crate::trie::MissingNode;
use alloc::vec::Vec;
use alloy_rlp::{Encodable, Header as RlpHeader};
use core::fmt;
use revm::context::result::{EVMError, ExecutionResult, HaltReason};
use revm::context::{Context, ContextSetters, ContextTr, Evm, FrameStack, JournalTr, TxEnv};
use revm::handler::instructions::EthInstructions;
use revm::handler::{EthFrame, Handler, MainnetContext, MainnetHandler};
use revm::interpreter::interpreter::EthInterpreter;
use revm::primitives::{address, Address, Bytes, TxKind, B256};
use revm::{DatabaseCommit, ExecuteEvm};

/// Sender of every system transaction.
pub const SYSTEM_ADDRESS: Address = address!("fffffffffffffffffffffffffffffffffffffffe");
/// EIP-2718 type of a system transaction.
pub const SYSTEM_TRANSACTION_TYPE: u8 = 0x7e;

/// A call that the protocol itself makes at the start of a block.
#[derive(Debug)]
pub struct SystemTransaction {
    pub nonce: u64,
    pub to: Address,
    pub gas_limit: u64,
    pub data: Bytes,
}

impl SystemTransaction {
    /// `0x7e || rlp([nonce, to, gas_limit, data])`.
    pub fn encode(&self) -> Vec<u8> {
        let payload_length =
            self.nonce.length() + self.to.length() + self.gas_limit.length() + self.data.length();
        let mut encoded = Vec::with_capacity(payload_length + 8);
        encoded.push(SYSTEM_TRANSACTION_TYPE);
        RlpHeader {
            list: true,
            payload_length,
        }
        .encode(&mut encoded);
        self.nonce.encode(&mut encoded);
        self.to.encode(&mut encoded);
        self.gas_limit.encode(&mut encoded);
        self.data.encode(&mut encoded);
        encoded
    }
}

/// One block to execute.
#[derive(Debug)]
pub struct BlockInput<'a> {
    pub number: u64,
    pub timestamp_seconds: u64,
    pub prev_randao: B256,
    pub coinbase: Address,
    pub gas_limit: u64,
    pub system_transactions: Vec<SystemTransaction>,
    /// Raw transactions with their senders, where already known.
    pub transactions: Vec<(&'a [u8], Option<Address>)>,
}

/// All that the transactions of a block did.
#[derive(Debug)]
pub struct Executed<A> {
    pub base_fee: u64,
    /// Gas of the users' transactions; system transactions do not count.
    pub gas_used: u64,
    pub included: Vec<Vec<u8>>,
    pub receipts: Vec<Receipt>,
    pub skipped: Vec<(u32, SkipReason)>,
    /// What each receipt's transaction cost to prove, where the chain is proved.
    pub proving_costs: Vec<i64>,
    pub deltas: Vec<AccountDelta<A>>,
}

/// Why a block could not be executed at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockError {
    NotTheNextNumber { expected: u64, got: u64 },
    TimestampBeforeParent { parent: u64, got: u64 },
    MissingState,
}

impl fmt::Display for BlockError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTheNextNumber { expected, got } => {
                write!(formatter, "block number: expected {expected}, got {got}")
            }
            Self::TimestampBeforeParent { parent, got } => {
                write!(
                    formatter,
                    "timestamp: expected at least {parent} s, got {got} s"
                )
            }
            Self::MissingState => MissingState.fmt(formatter),
        }
    }
}

impl From<MissingNode> for BlockError {
    fn from(_: MissingNode) -> Self {
        Self::MissingState
    }
}

impl From<MissingState> for BlockError {
    fn from(_: MissingState) -> Self {
        Self::MissingState
    }
}

/// Executes `block` on the state after `parent`.
pub fn execute_block<S: StateReader>(
    rules: &ChainRules,
    parent: &Header,
    block: &BlockInput<'_>,
    state: S,
) -> Result<Executed<S::Account>, BlockError> {
    let expected = parent.number + 1;
    if block.number != expected {
        return Err(BlockError::NotTheNextNumber {
            expected,
            got: block.number,
        });
    }
    if block.timestamp_seconds < parent.timestamp_seconds {
        return Err(BlockError::TimestampBeforeParent {
            parent: parent.timestamp_seconds,
            got: block.timestamp_seconds,
        });
    }
    let context = BlockContext {
        number: block.number,
        timestamp_seconds: block.timestamp_seconds,
        prev_randao: block.prev_randao,
        coinbase: block.coinbase,
        gas_limit: block.gas_limit,
        base_fee: parent.next_base_fee(rules),
        excess_blob_gas: 0,
    };

    let lengths = block.transactions.iter().map(|(raw, _)| raw.len());
    let budget = rules.is_metered.then(|| BlockBudget::new(lengths));
    let mut executor = BlockExecutor::new(rules, context, budget, state);
    let is_forcing = block.system_transactions.iter().any(is_forced_delivery);
    for transaction in &block.system_transactions {
        executor.execute_system(transaction)?;
    }
    for (index, (raw, sender)) in block.transactions.iter().enumerate() {
        if let Err(reason) = executor.execute_user(raw, *sender, is_forcing && index == 0)? {
            executor.skipped.push((index as u32, reason));
        }
    }
    Ok(executor.finish())
}

/// revm over the overlay of one block.
pub type BlockEvm<S> = Evm<
    MainnetContext<Overlay<S>>,
    (),
    EthInstructions<EthInterpreter, MainnetContext<Overlay<S>>>,
    MeteredPrecompiles,
    EthFrame<EthInterpreter>,
>;
pub type EvmResult = ExecutionResult<HaltReason>;
pub type EvmError = EVMError<MissingState>;

/// A revm for one block.
pub fn new_evm<S: StateReader>(
    rules: &ChainRules,
    context: &BlockContext,
    state: S,
) -> BlockEvm<S> {
    let mut evm_context: MainnetContext<Overlay<S>> = Context::new(Overlay::new(state), rules.fork);
    evm_context.cfg = rules.configuration();
    evm_context.block = rules.block_environment(context);
    let is_metered = cfg!(feature = "guest") || rules.is_metered;
    Evm {
        ctx: evm_context,
        inspector: (),
        instruction: if is_metered {
            metered_instructions(rules.fork)
        } else {
            EthInstructions::new_mainnet_with_spec(rules.fork)
        },
        precompiles: MeteredPrecompiles::new(rules.fork),
        frame_stack: FrameStack::new_prealloc(8),
    }
}

struct BlockExecutor<'a, S: StateReader> {
    rules: &'a ChainRules,
    context: BlockContext,
    /// Where the chain is proved.
    budget: Option<BlockBudget>,
    evm: BlockEvm<S>,
    gas_used: u64,
    cumulative_gas_used: u64,
    included: Vec<Vec<u8>>,
    receipts: Vec<Receipt>,
    skipped: Vec<(u32, SkipReason)>,
    proving_costs: Vec<i64>,
}

impl<'a, S: StateReader> BlockExecutor<'a, S> {
    fn new(
        rules: &'a ChainRules,
        context: BlockContext,
        budget: Option<BlockBudget>,
        state: S,
    ) -> Self {
        Self {
            rules,
            context,
            budget,
            evm: new_evm(rules, &context, state),
            gas_used: 0,
            cumulative_gas_used: 0,
            included: Vec::new(),
            receipts: Vec::new(),
            skipped: Vec::new(),
            proving_costs: Vec::new(),
        }
    }

    fn meter(&mut self) -> &mut Meter {
        &mut self.evm.ctx.journaled_state.database.meter
    }

    /// Makes the protocol's own call: no intrinsic gas, no fee, no refund, no nonce.
    fn execute_system(&mut self, transaction: &SystemTransaction) -> Result<(), MissingState> {
        let raw = transaction.encode();
        if self.budget.is_some() {
            self.meter().begin_protocol();
            self.meter().charge(costs::transaction(raw.len()));
        }
        let environment = TxEnv {
            caller: SYSTEM_ADDRESS,
            gas_limit: transaction.gas_limit,
            gas_price: 0,
            kind: TxKind::Call(transaction.to),
            data: transaction.data.clone(),
            ..TxEnv::default()
        };
        let result = system_call(&mut self.evm, environment)?;
        let gas_used = result.gas().total_gas_spent();
        self.cumulative_gas_used += gas_used;
        self.receipts.push(Receipt {
            transaction_hash: keccak256(&raw),
            transaction_type: SYSTEM_TRANSACTION_TYPE,
            sender: SYSTEM_ADDRESS,
            to: Some(transaction.to),
            is_success: result.is_success(),
            gas_used,
            cumulative_gas_used: self.cumulative_gas_used,
            effective_gas_price: 0,
            contract_address: None,
            output: result.output().cloned().unwrap_or_default(),
            logs: logs_of(result),
        });
        self.included.push(raw);
        self.settle(true);
        Ok(())
    }

    /// Includes one user transaction, or says why not.
    fn execute_user(
        &mut self,
        raw: &[u8],
        known_sender: Option<Address>,
        is_forced: bool,
    ) -> Result<Result<(), SkipReason>, MissingState> {
        let Some(budget) = self.budget else {
            return self.execute_raw(raw, known_sender, false);
        };
        let Some(grant) = budget.grant(is_forced) else {
            return Ok(Err(SkipReason::BlockProvingBudget));
        };
        self.meter().begin(grant.limit);
        let outcome = self.execute_raw(raw, known_sender, grant.is_short)?;
        self.settle(outcome.is_ok());
        if outcome == Err(SkipReason::ProvingBudget) && grant.is_short {
            self.budget = Some(budget.closed());
            return Ok(Err(SkipReason::BlockProvingBudget));
        }
        Ok(outcome)
    }

    /// Takes what was spent off the block's budget, and writes it down for what was included.
    fn settle(&mut self, is_included: bool) {
        let cost = self.meter().settled();
        let Some(budget) = &mut self.budget else {
            return;
        };
        budget.spend(cost);
        if is_included {
            self.proving_costs.push(cost);
        }
    }

    /// Executes one user transaction; `is_short` if it may only be included as far as its budget goes.
    fn execute_raw(
        &mut self,
        raw: &[u8],
        known_sender: Option<Address>,
        is_short: bool,
    ) -> Result<Result<(), SkipReason>, MissingState> {
        let (transaction, sender) = match self.admit(raw, known_sender) {
            Ok(admitted) => admitted,
            Err(reason) => return Ok(Err(reason)),
        };
        let hash = transaction.hash;
        let environment = TxEnv {
            caller: sender,
            ..transaction.environment
        };
        let transaction_type = environment.tx_type;
        let to = environment.kind.to().copied();
        let effective_gas_price = effective_gas_price(&environment, self.context.base_fee);

        let outcome = match self.evm.transact(environment) {
            Ok(outcome) => outcome,
            Err(EVMError::Transaction(invalid)) => return Ok(Err(invalid.into())),
            Err(error) => return Err(unexpected(error)),
        };
        if is_short && self.meter().has_struck() {
            return Ok(Err(SkipReason::ProvingBudget));
        }
        self.evm.ctx.journaled_state.database.commit(outcome.state);

        let result = outcome.result;
        let gas_used = result.tx_gas_used();
        self.gas_used += gas_used;
        self.cumulative_gas_used += gas_used;
        self.receipts.push(Receipt {
            transaction_hash: hash,
            transaction_type,
            sender,
            to,
            is_success: result.is_success(),
            gas_used,
            cumulative_gas_used: self.cumulative_gas_used,
            effective_gas_price,
            contract_address: result.created_address().filter(|_| to.is_none()),
            logs: logs_of(result),
            output: Bytes::new(),
        });
        self.included.push(raw.to_vec());
        Ok(Ok(()))
    }

    /// The checks that need no account: decoding, chain, signature, fees, room in the block.
    fn admit<'r>(
        &mut self,
        raw: &'r [u8],
        known_sender: Option<Address>,
    ) -> Result<(Transaction<'r>, Address), SkipReason> {
        if raw.first() == Some(&BLOB) {
            return Err(SkipReason::UnsupportedType);
        }
        self.meter().charge(costs::transaction(raw.len()));
        let mut transaction = Transaction::decode(raw)?;
        let authorizations = transaction.environment.authorization_list.len() as u32;
        let signatures = costs::AUTHORIZATION.saturating_mul(authorizations);
        self.meter().charge(signatures.min(costs::NEVER));
        self.meter().name(named_entries(&transaction.environment));
        if transaction.environment.kind.is_create() {
            let length = transaction.environment.data.len();
            self.meter().charge(costs::creation(length));
        }
        if self.meter().is_exhausted() {
            return Err(SkipReason::ProvingBudget);
        }
        transaction.recover_authorities();
        let sender = check_origin(&transaction, self.rules.chain_id, known_sender)?;

        let environment = &transaction.environment;
        let has_no_authorization =
            environment.tx_type == SET_CODE && environment.authorization_list.is_empty();
        if has_no_authorization {
            return Err(SkipReason::EmptyAuthorizationList);
        }
        let is_tip_above_fee = environment
            .gas_priority_fee
            .is_some_and(|tip| tip > environment.gas_price);
        if is_tip_above_fee {
            return Err(SkipReason::TipAboveFee);
        }
        if environment.gas_price < u128::from(self.context.base_fee) {
            return Err(SkipReason::FeeBelowBaseFee);
        }
        if environment.gas_limit > self.context.gas_limit - self.gas_used {
            return Err(SkipReason::BlockGasLimit);
        }
        Ok((transaction, sender))
    }

    fn finish(self) -> Executed<S::Account> {
        Executed {
            base_fee: self.context.base_fee,
            gas_used: self.gas_used,
            included: self.included,
            receipts: self.receipts,
            skipped: self.skipped,
            proving_costs: self.proving_costs,
            deltas: self.evm.ctx.journaled_state.database.into_deltas(),
        }
    }
}

/// Whether the protocol delivers an entry of L1's queue that is a transaction.
fn is_forced_delivery(transaction: &SystemTransaction) -> bool {
    transaction.to == PORTAL && delivered_target(&transaction.data) == Some(FORCED_TRANSACTION)
}

/// Addresses and slots of an access list.
fn named_entries(environment: &TxEnv) -> u32 {
    let list = environment.access_list.0.iter();
    list.map(|item| 1 + item.storage_keys.len() as u32).sum()
}

/// Sender of a transaction that is meant for this chain and validly signed.
pub fn check_origin(
    transaction: &Transaction<'_>,
    chain_id: u64,
    known_sender: Option<Address>,
) -> Result<Address, SkipReason> {
    let is_for_other_chain = transaction.chain_id.is_some_and(|id| id != chain_id);
    if is_for_other_chain {
        return Err(SkipReason::WrongChainId);
    }
    if !transaction.signature.is_in_range() {
        return Err(SkipReason::InvalidSignature);
    }
    known_sender
        .or_else(|| transaction.recover_sender())
        .ok_or(SkipReason::InvalidSignature)
}

/// Runs the protocol's call and commits it. Sender, recipient, coinbase and precompiles are warm.
fn system_call<S: StateReader>(
    evm: &mut BlockEvm<S>,
    environment: TxEnv,
) -> Result<EvmResult, MissingState> {
    let caller = environment.caller;
    evm.ctx.set_tx(environment);
    let mut handler: MainnetHandler<_, EvmError, _> = MainnetHandler::default();
    handler.load_accounts(evm).map_err(unexpected)?;
    evm.ctx.journal_mut().load_account(caller)?;
    let result = handler.run_system_call(evm).map_err(unexpected)?;
    let changes = evm.finalize();
    evm.ctx.journaled_state.database.commit(changes);
    Ok(result)
}

/// What the sender pays per gas, in wei (EIP-1559).
pub fn effective_gas_price(environment: &TxEnv, base_fee: u64) -> u128 {
    match environment.gas_priority_fee {
        None => environment.gas_price,
        Some(tip) => environment
            .gas_price
            .min(u128::from(base_fee).saturating_add(tip)),
    }
}

/// Of revm's errors only a failing state read can reach a validated block.
fn unexpected(error: EvmError) -> MissingState {
    match error {
        EVMError::Database(missing) => missing,
        other => panic!("revm failed on a valid block: {other}"),
    }
}

/// Logs count only where the transaction succeeded.
pub fn logs_of(result: EvmResult) -> Vec<revm::primitives::Log> {
    match result {
        ExecutionResult::Success { logs, .. } => logs,
        ExecutionResult::Revert { .. } | ExecutionResult::Halt { .. } => Vec::new(),
    }
}
