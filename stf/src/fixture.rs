//! Ethereum's state tests: one transaction on a given state in a given block.

use crate::block::{check_origin, logs_of, new_evm};
use crate::chain::{BlockContext, ChainRules};
use crate::keccak::keccak256;
use crate::loader::{FullAccount, Loader};
use crate::skip_reason::SkipReason;
use crate::state::MissingState;
use crate::transaction::Transaction;
use alloc::vec::Vec;
use revm::context::result::EVMError;
use revm::context::TxEnv;
use revm::primitives::B256;
use revm::{DatabaseCommit, ExecuteEvm};

/// Result of one state test.
#[derive(Debug)]
pub struct FixtureOutcome {
    pub state_root: B256,
    pub logs_hash: B256,
    /// Set if the transaction is invalid; the state is then unchanged.
    pub skip_reason: Option<SkipReason>,
}

/// Runs one state test. Unlike in a block, blob transactions are taken.
pub fn run_fixture(
    rules: ChainRules,
    context: &BlockContext,
    accounts: Vec<FullAccount>,
    raw: &[u8],
) -> Result<FixtureOutcome, MissingState> {
    let mut loader = Loader::new(rules);
    loader.add(accounts)?;
    let engine = loader.into_genesis(0, context.gas_limit);

    let mut logs = Vec::new();
    let mut deltas = Vec::new();
    let mut evm = new_evm(&rules, context, engine.state_at(engine.head()));
    let skip_reason = match admit(raw, rules.chain_id) {
        Err(reason) => Some(reason),
        Ok(environment) => match evm.transact(environment) {
            Ok(outcome) => {
                logs = logs_of(outcome.result);
                evm.ctx.journaled_state.database.commit(outcome.state);
                deltas = evm.ctx.journaled_state.database.into_deltas();
                None
            }
            Err(EVMError::Transaction(invalid)) => Some(invalid.into()),
            Err(_) => return Err(MissingState),
        },
    };

    Ok(FixtureOutcome {
        state_root: engine.state_root_with(&deltas)?,
        logs_hash: keccak256(alloy_rlp::encode(&logs)),
        skip_reason,
    })
}

fn admit(raw: &[u8], chain_id: u64) -> Result<TxEnv, SkipReason> {
    let mut transaction = Transaction::decode(raw)?;
    transaction.recover_authorities();
    let caller = check_origin(&transaction, chain_id, None)?;
    Ok(TxEnv {
        caller,
        ..transaction.environment
    })
}
