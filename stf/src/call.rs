//! `eth_call` and `eth_estimateGas` on the state after a retained block.

use crate::block::{new_evm, EvmResult};
use crate::engine::{Engine, EngineError, RetainedBlock};
use crate::meter::costs;
use crate::skip_reason::SkipReason;
use crate::state::account_at;
use alloc::string::{String, ToString};
use core::fmt;
use revm::context::result::{EVMError, ExecutionResult};
use revm::context::TxEnv;
use revm::primitives::{Address, Bytes, TxKind, KECCAK_EMPTY, U256};
use revm::ExecuteEvm;

/// Gas that a call may spend unless the chain's block gas limit is higher.
const CALL_GAS_CAP: u64 = 50_000_000;
/// Intrinsic gas of the plainest transaction.
const TRANSFER_GAS: u64 = 21_000;
/// Gas that a call with value hands to its callee for free.
const CALL_STIPEND: u64 = 2_300;
/// About what a signed transaction has besides its data.
const ENVELOPE_BYTES: usize = 120;
const OVER_BUDGET: &str = "proving budget exceeded";

/// Arguments of a call.
#[derive(Clone, Debug)]
pub struct Call {
    pub sender: Address,
    pub to: Option<Address>,
    pub data: Bytes,
    pub value: U256,
    pub gas_limit: Option<u64>,
    pub gas_price: u128,
}

/// Outcome of a call.
#[derive(Debug)]
pub struct CallOutcome {
    pub is_success: bool,
    pub output: Bytes,
    pub gas_used: u64,
    pub halt_reason: Option<String>,
    gas_refunded: u64,
    /// The call failed since it would have cost too much to prove.
    is_over_budget: bool,
}

/// Why a call gives no outcome.
#[derive(Debug)]
pub enum CallError {
    Engine(EngineError),
    /// The call is no valid transaction.
    Invalid(SkipReason),
    /// Estimation: the call reverts however much gas it has.
    Reverted(Bytes),
    /// Estimation: the call fails even with all the gas that it may have.
    GasRequiredExceedsAllowance {
        allowance: u64,
        halt_reason: String,
    },
    /// Estimation: the call costs too much to prove, whatever its gas.
    ProvingBudgetExceeded,
    MissingState,
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(formatter),
            Self::Invalid(reason) => formatter.write_str(reason.name()),
            Self::Reverted(_) => formatter.write_str("execution reverted"),
            Self::GasRequiredExceedsAllowance {
                allowance,
                halt_reason,
            } => {
                write!(
                    formatter,
                    "gas required exceeds allowance ({allowance}): {halt_reason}"
                )
            }
            Self::ProvingBudgetExceeded => formatter.write_str(OVER_BUDGET),
            Self::MissingState => formatter.write_str("the state misses an entry"),
        }
    }
}

impl From<EngineError> for CallError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// Runs `call` on the state after block `number` (the head if `None`) and forgets its effects.
pub fn call(engine: &Engine, call: &Call, number: Option<u64>) -> Result<CallOutcome, CallError> {
    let block = engine.block(number)?;
    let allowance = gas_allowance(block, call, gas_cap(block))?;
    let outcome = run(engine, block, call, allowance)?;
    if outcome.is_over_budget {
        let halt_reason = Some(OVER_BUDGET.to_string());
        return Ok(CallOutcome {
            halt_reason,
            ..outcome
        });
    }
    Ok(outcome)
}

/// The least gas limit with which `call` succeeds.
pub fn estimate_gas(engine: &Engine, call: &Call, number: Option<u64>) -> Result<u64, CallError> {
    let block = engine.block(number)?;
    let block_limit = block.header.gas_limit.min(gas_cap(block));
    let allowance = gas_allowance(block, call, block_limit)?;

    // TRANSFER
    if is_plain_transfer(block, call)? {
        if let Ok(outcome) = run(engine, block, call, TRANSFER_GAS) {
            if outcome.is_success {
                return Ok(TRANSFER_GAS);
            }
        }
    }

    // WITH ALL GAS
    let outcome = run(engine, block, call, allowance)?;
    if outcome.is_over_budget {
        return Err(CallError::ProvingBudgetExceeded);
    }
    if !outcome.is_success {
        return Err(match outcome.halt_reason {
            None => CallError::Reverted(outcome.output),
            Some(halt_reason) => CallError::GasRequiredExceedsAllowance {
                allowance,
                halt_reason,
            },
        });
    }

    // BETWEEN
    let is_enough = |gas_limit: u64| match run(engine, block, call, gas_limit) {
        Ok(outcome) => Ok(outcome.is_success),
        Err(CallError::Invalid(SkipReason::IntrinsicGas)) => Ok(false),
        Err(error) => Err(error),
    };
    let mut too_little = outcome.gas_used - 1;
    let mut enough = allowance;
    // What the run used, its refund given back and a 64th kept at each call (EIP-150): if that
    // suffices, the search starts close to its end.
    let guess = (outcome.gas_used + outcome.gas_refunded + CALL_STIPEND) / 63 * 64 + 64;
    if guess < enough {
        if is_enough(guess)? {
            enough = guess;
        } else {
            too_little = guess;
        }
    }
    while too_little + 1 < enough {
        let middle = too_little + (enough - too_little) / 2;
        if is_enough(middle)? {
            enough = middle;
        } else {
            too_little = middle;
        }
    }
    Ok(enough)
}

fn gas_cap(block: &RetainedBlock) -> u64 {
    CALL_GAS_CAP.max(block.header.gas_limit)
}

/// Gas that the call may have: what it asks for, the cap, and what its sender can pay.
fn gas_allowance(block: &RetainedBlock, call: &Call, cap: u64) -> Result<u64, CallError> {
    let asked = call.gas_limit.unwrap_or(cap).min(cap);
    if call.gas_price == 0 {
        return Ok(asked);
    }
    let balance = account_at(&block.accounts, &call.sender)
        .map_err(|_| CallError::MissingState)?
        .map_or(U256::ZERO, |account| account.fields.balance);
    let available = balance
        .checked_sub(call.value)
        .ok_or(CallError::Invalid(SkipReason::InsufficientFunds))?;
    let affordable = available / U256::from(call.gas_price);
    Ok(asked.min(u64::try_from(affordable).unwrap_or(u64::MAX)))
}

fn is_plain_transfer(block: &RetainedBlock, call: &Call) -> Result<bool, CallError> {
    let Some(to) = call.to else {
        return Ok(false);
    };
    let has_code = account_at(&block.accounts, &to)
        .map_err(|_| CallError::MissingState)?
        .is_some_and(|account| account.fields.code_hash != KECCAK_EMPTY);
    Ok(call.data.is_empty() && !has_code)
}

fn run(
    engine: &Engine,
    block: &RetainedBlock,
    call: &Call,
    gas_limit: u64,
) -> Result<CallOutcome, CallError> {
    let mut context = engine.context_at(block);
    if call.gas_price == 0 {
        // As in Ethereum's clients: a call that names no price needs to pay none.
        context.base_fee = 0;
    }
    let mut evm = new_evm(&engine.rules, &context, engine.state_at(block));
    evm.ctx.cfg.disable_nonce_check = true;
    evm.ctx.cfg.disable_eip3607 = true;
    evm.ctx.cfg.disable_block_gas_limit = true;

    let environment = TxEnv {
        caller: call.sender,
        gas_limit,
        gas_price: call.gas_price,
        kind: call.to.map_or(TxKind::Create, TxKind::Call),
        value: call.value,
        data: call.data.clone(),
        ..TxEnv::default()
    };
    if engine.rules.is_metered {
        let meter = &mut evm.ctx.journaled_state.database.meter;
        meter.begin(costs::TRANSACTION_BUDGET);
        meter.charge(costs::transaction(call.data.len() + ENVELOPE_BYTES));
        if call.to.is_none() {
            meter.charge(costs::creation(call.data.len()));
        }
    }
    match evm.transact_one(environment) {
        Ok(result) => Ok(CallOutcome {
            is_over_budget: evm.ctx.journaled_state.database.meter.has_struck(),
            ..outcome_of(&result)
        }),
        Err(EVMError::Transaction(invalid)) => Err(CallError::Invalid(invalid.into())),
        Err(_) => Err(CallError::MissingState),
    }
}

fn outcome_of(result: &EvmResult) -> CallOutcome {
    let halt_reason = match result {
        ExecutionResult::Halt { reason, .. } => Some(reason.to_string()),
        ExecutionResult::Success { .. } | ExecutionResult::Revert { .. } => None,
    };
    CallOutcome {
        is_success: result.is_success(),
        output: result.output().cloned().unwrap_or_default(),
        gas_used: result.tx_gas_used(),
        halt_reason,
        gas_refunded: result.gas().inner_refunded(),
        is_over_budget: false,
    }
}
