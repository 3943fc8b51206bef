//! The opcodes of the EVM, each charged before it runs.

use super::costs::*;
use super::STORED;
use crate::overlay::Overlay;
use crate::state::StateReader;
use revm::bytecode::opcode::*;
use revm::handler::instructions::EthInstructions;
use revm::handler::MainnetContext;
use revm::interpreter::instructions::{gas_table_spec, instruction_table, InstructionTable};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::{
    Instruction, InstructionContext, InstructionExecResult, InstructionResult, Interpreter,
};
use revm::primitives::{hardfork::SpecId, BLOCK_HASH_HISTORY, U256};

const WORD_BYTES: usize = 32;
/// Longer initcode is refused (EIP-3860).
const MAX_INITCODE_BYTES: usize = 49_152;

type EvmContext<S> = MainnetContext<Overlay<S>>;
type Step<'a, S> = InstructionContext<'a, EvmContext<S>, EthInterpreter>;

/// Instructions of a chain that is proved.
pub fn metered_instructions<S: StateReader>(
    fork: SpecId,
) -> EthInstructions<EthInterpreter, EvmContext<S>> {
    EthInstructions::new(const { table::<S>() }, gas_table_spec(fork), fork)
}

const fn table<S: StateReader>() -> InstructionTable<EthInterpreter, EvmContext<S>> {
    let mut table = instruction_table::<EthInterpreter, EvmContext<S>>();
    macro_rules! charge {
        ($how:ident: $($opcode:ident)*) => {
            $(table[$opcode as usize] = Instruction::new($how::<$opcode, S>);)*
        };
    }
    charge!(plain: STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD SIGNEXTEND);
    charge!(plain: LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR);
    charge!(plain: ADDRESS ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CODESIZE);
    charge!(plain: GASPRICE RETURNDATASIZE COINBASE TIMESTAMP);
    charge!(plain: NUMBER DIFFICULTY GASLIMIT CHAINID BASEFEE BLOBHASH BLOBBASEFEE);
    charge!(plain: POP JUMP JUMPI PC MSIZE GAS JUMPDEST);
    charge!(plain: PUSH0 PUSH1 PUSH2 PUSH3 PUSH4 PUSH5 PUSH6 PUSH7 PUSH8 PUSH9 PUSH10 PUSH11);
    charge!(plain: PUSH12 PUSH13 PUSH14 PUSH15 PUSH16 PUSH17 PUSH18 PUSH19 PUSH20 PUSH21 PUSH22);
    charge!(plain: PUSH23 PUSH24 PUSH25 PUSH26 PUSH27 PUSH28 PUSH29 PUSH30 PUSH31 PUSH32);
    charge!(plain: DUP1 DUP2 DUP3 DUP4 DUP5 DUP6 DUP7 DUP8 DUP9 DUP10 DUP11 DUP12 DUP13 DUP14);
    charge!(plain: DUP15 DUP16 SWAP1 SWAP2 SWAP3 SWAP4 SWAP5 SWAP6 SWAP7 SWAP8 SWAP9 SWAP10);
    charge!(plain: SWAP11 SWAP12 SWAP13 SWAP14 SWAP15 SWAP16);
    charge!(sized: EXP KECCAK256 CALLDATACOPY CODECOPY EXTCODECOPY RETURNDATACOPY MLOAD MSTORE);
    charge!(sized: MSTORE8 MCOPY LOG0 LOG1 LOG2 LOG3 LOG4 CREATE CREATE2 CALL CALLCODE);
    charge!(sized: DELEGATECALL STATICCALL RETURN REVERT BLOCKHASH);
    charge!(sized: BALANCE EXTCODESIZE EXTCODEHASH SELFBALANCE SLOAD SSTORE TLOAD TSTORE);
    charge!(sized: SELFDESTRUCT);
    table
}

/// An opcode whose work does not depend on its operands.
fn plain<const OPCODE: u8, S: StateReader>(step: Step<'_, S>) -> InstructionExecResult {
    let meter = &mut step.host.journaled_state.database.meter;
    let has_enough = meter.take(const { BASE[OPCODE as usize] });
    if !has_enough && meter.strikes(step.interpreter.input.depth) {
        return Err(InstructionResult::OutOfGas);
    }
    original::<OPCODE, S>(step)
}

/// An opcode whose work does.
fn sized<const OPCODE: u8, S: StateReader>(step: Step<'_, S>) -> InstructionExecResult {
    let base = const { BASE[OPCODE as usize] };
    let by_size = if OPCODE == BLOCKHASH {
        HEADER * headers_to_come(step.host, step.interpreter)
    } else {
        size_cost::<OPCODE>(step.interpreter)
    };
    let meter = &mut step.host.journaled_state.database.meter;
    let by_touched = meter.lookups(const { LOOKUP[OPCODE as usize] });
    if OPCODE == TSTORE {
        meter.touched[STORED] += 1;
    }
    let cost = base.saturating_add(by_size).saturating_add(by_touched);
    let has_enough = meter.take(cost.min(NEVER));
    if !has_enough && meter.strikes(step.interpreter.input.depth) {
        return Err(InstructionResult::OutOfGas);
    }
    if OPCODE == BLOCKHASH {
        step.host.journaled_state.database.headers += by_size / HEADER;
    }
    original::<OPCODE, S>(step)
}

#[inline(always)]
fn original<const OPCODE: u8, S: StateReader>(step: Step<'_, S>) -> InstructionExecResult {
    let instruction =
        const { instruction_table::<EthInterpreter, EvmContext<S>>()[OPCODE as usize] };
    instruction.execute(step)
}

/// Cost of an opcode by the sizes that it is asked for; nothing where it fails for want of an
/// operand or of the gas for the memory, since then it does nothing.
#[inline(always)]
fn size_cost<const OPCODE: u8>(interpreter: &Interpreter<EthInterpreter>) -> u32 {
    match OPCODE {
        EXP => operand(interpreter, 1)
            .map_or(0, |exponent| EXPONENT_BYTE * (exponent.byte_len() as u32)),
        MLOAD | MSTORE => grown(interpreter, &[range(interpreter, 0, WORD_BYTES)]),
        MSTORE8 => grown(interpreter, &[range(interpreter, 0, 1)]),
        KECCAK256 => in_memory(interpreter, 0, 1, |length| {
            PERMUTATION.saturating_mul(permutations(length as u32))
        }),
        CALLDATACOPY | CODECOPY | RETURNDATACOPY => in_memory(interpreter, 0, 2, copied),
        EXTCODECOPY => in_memory(interpreter, 1, 3, copied),
        MCOPY => moved(interpreter),
        LOG0..=LOG4 => in_memory(interpreter, 0, 1, |length| {
            LOGGED_WORD.saturating_mul(words(length))
        }),
        CREATE => created(interpreter, 0),
        CREATE2 => created(interpreter, PERMUTATION),
        CALL | CALLCODE => called(interpreter, 3),
        DELEGATECALL | STATICCALL => called(interpreter, 2),
        RETURN => in_memory(interpreter, 0, 1, |length| {
            let is_creation = interpreter.input.bytecode_address.is_none();
            let deposited = if is_creation { DEPOSITED_WORD } else { 0 };
            (COPIED_WORD + deposited).saturating_mul(words(length))
        }),
        REVERT => in_memory(interpreter, 0, 1, copied),
        _ => 0,
    }
}

/// Headers that BLOCKHASH needs for a block, back to which no earlier one of the block reached.
fn headers_to_come<S: StateReader>(
    host: &EvmContext<S>,
    interpreter: &Interpreter<EthInterpreter>,
) -> u32 {
    let asked = operand(interpreter, 0).unwrap_or_default();
    let Some(distance) = host.block.number.checked_sub(asked) else {
        return 0;
    };
    let distance = u32::try_from(distance).unwrap_or(u32::MAX);
    if distance > BLOCK_HASH_HISTORY as u32 {
        return 0;
    }
    distance.saturating_sub(host.journaled_state.database.headers)
}

fn operand(interpreter: &Interpreter<EthInterpreter>, index: usize) -> Option<U256> {
    interpreter.stack.peek(index).ok()
}

fn small(interpreter: &Interpreter<EthInterpreter>, index: usize) -> Option<usize> {
    let value = operand(interpreter, index)?;
    u32::try_from(value).ok().map(|value| value as usize)
}

/// End of a range of memory that an operand starts; 0 if it is empty, nothing if it is hopeless.
fn range(interpreter: &Interpreter<EthInterpreter>, offset: usize, length: usize) -> Option<usize> {
    if length == 0 {
        return Some(0);
    }
    small(interpreter, offset)?.checked_add(length)
}

/// Cost of memory that reaches as far as all the ranges do.
fn grown(interpreter: &Interpreter<EthInterpreter>, ends: &[Option<usize>]) -> u32 {
    growth(interpreter, ends).unwrap_or(0)
}

/// The same; `None` if the frame cannot pay the memory's gas, or an operand is missing.
fn growth(interpreter: &Interpreter<EthInterpreter>, ends: &[Option<usize>]) -> Option<u32> {
    let mut end = 0;
    for one in ends {
        end = end.max((*one)?);
    }
    let known = interpreter.memory.len() / WORD_BYTES;
    let needed = end.div_ceil(WORD_BYTES);
    if needed <= known {
        return Some(0);
    }
    let gas = memory_gas(needed) - memory_gas(known);
    if gas > interpreter.gas.remaining() {
        return None;
    }
    let words = (needed - known) as u32;
    Some(GROWN_WORD.saturating_mul(words).saturating_add(GROWTH))
}

/// Gas of so many words of memory (yellow paper, appendix H).
fn memory_gas(words: usize) -> u64 {
    let words = words as u64;
    3 * words + words * words / 512
}

/// Cost of an opcode that works on one range of memory, by the length of that.
#[inline(always)]
fn in_memory(
    interpreter: &Interpreter<EthInterpreter>,
    offset: usize,
    length: usize,
    work: impl FnOnce(usize) -> u32,
) -> u32 {
    let Some(length) = small(interpreter, length) else {
        return 0;
    };
    match growth(interpreter, &[range(interpreter, offset, length)]) {
        Some(cost) => cost.saturating_add(work(length)),
        None => 0,
    }
}

fn words(length: usize) -> u32 {
    length.div_ceil(WORD_BYTES) as u32
}

fn copied(length: usize) -> u32 {
    COPIED_WORD.saturating_mul(words(length))
}

fn moved(interpreter: &Interpreter<EthInterpreter>) -> u32 {
    let Some(length) = small(interpreter, 2) else {
        return 0;
    };
    let ends = [range(interpreter, 0, length), range(interpreter, 1, length)];
    match growth(interpreter, &ends) {
        Some(cost) => cost.saturating_add(MOVED_WORD.saturating_mul(words(length))),
        None => 0,
    }
}

fn created(interpreter: &Interpreter<EthInterpreter>, permutation: u32) -> u32 {
    in_memory(interpreter, 1, 2, |length| {
        if length > MAX_INITCODE_BYTES {
            return 0;
        }
        INITCODE_WORD * words(length) + permutation * permutations(length as u32)
    })
}

/// Of a call whose ranges of memory, input and output, start at this operand.
fn called(interpreter: &Interpreter<EthInterpreter>, first: usize) -> u32 {
    let lengths = (small(interpreter, first + 1), small(interpreter, first + 3));
    let (Some(input), Some(output)) = lengths else {
        return 0;
    };
    let ends = [
        range(interpreter, first, input),
        range(interpreter, first + 2, output),
    ];
    match growth(interpreter, &ends) {
        Some(cost) => cost.saturating_add(copied(output)),
        None => 0,
    }
}
