//! The precompiles, each charged before it is called.

use super::costs::{modexp, BLAKE2F_ROUND, NEVER, PRECOMPILES};
use crate::overlay::Overlay;
use crate::state::StateReader;
use alloc::string::String;
use revm::context::{ContextTr, JournalTr};
use revm::handler::{EthPrecompiles, MainnetContext, PrecompileProvider};
use revm::interpreter::{CallInputs, InterpreterResult};
use revm::primitives::{hardfork::SpecId, Address, AddressSet};

/// Depth of the journal in a call that the outermost frame makes.
const INNER_DEPTH: usize = 2;

/// revm's precompiles, of a chain that may be proved.
#[derive(Debug)]
pub struct MeteredPrecompiles {
    inner: EthPrecompiles,
}

impl MeteredPrecompiles {
    pub fn new(fork: SpecId) -> Self {
        Self {
            inner: EthPrecompiles::new(fork),
        }
    }
}

impl<S: StateReader> PrecompileProvider<MainnetContext<Overlay<S>>> for MeteredPrecompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, fork: SpecId) -> bool {
        PrecompileProvider::<MainnetContext<Overlay<S>>>::set_spec(&mut self.inner, fork)
    }

    /// Called for every frame of a call, of a precompile or not.
    fn run(
        &mut self,
        context: &mut MainnetContext<Overlay<S>>,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if context.journaled_state.database.meter.is_on() {
            let is_inner = context.journal().depth() == INNER_DEPTH;
            if is_inner && context.journaled_state.database.meter.is_protocol {
                let gas = inputs.gas_limit;
                context.journaled_state.database.meter.begin_inner(gas);
            }
            if let Some(number) = precompile_number(&inputs.bytecode_address) {
                let cost = precompile_cost(number, &inputs.input.as_bytes(context));
                let meter = &mut context.journaled_state.database.meter;
                if !meter.take(cost) {
                    meter.strike();
                    let oog = InterpreterResult::new_oog(inputs.gas_limit, inputs.reservoir);
                    return Ok(Some(oog));
                }
            }
        }
        self.inner.run(context, inputs)
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.inner.warm_addresses()
    }
}

/// 1 to 17 for the precompiles of Prague.
fn precompile_number(address: &Address) -> Option<usize> {
    let (&last, rest) = address.0.split_last()?;
    let is_precompile = (1..=PRECOMPILES.len()).contains(&usize::from(last));
    (is_precompile && rest.iter().all(|&byte| byte == 0)).then_some(usize::from(last))
}

fn precompile_cost(number: usize, input: &[u8]) -> u32 {
    let (fixed, per_word) = PRECOMPILES[number - 1];
    let words = input.len().div_ceil(32) as u32;
    let by_content = match number {
        5 => {
            let [base, exponent, modulus] = [0, 32, 64].map(|start| length_at(input, start));
            modexp(base, exponent, modulus)
        }
        9 => {
            let rounds = input.get(..4).map_or(0, |bytes| {
                u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
            });
            rounds.saturating_mul(BLAKE2F_ROUND)
        }
        _ => 0,
    };
    fixed
        .saturating_add(words.saturating_mul(per_word))
        .saturating_add(by_content)
        .min(NEVER)
}

/// A 256-bit number of the input, which zeros follow; a large one is as good as the largest.
fn length_at(input: &[u8], start: usize) -> u32 {
    let byte = |at: usize| input.get(at).copied().unwrap_or(0);
    if (start..start + 28).any(|at| byte(at) != 0) {
        return u32::MAX;
    }
    u32::from_be_bytes([28, 29, 30, 31].map(|offset| byte(start + offset)))
}
