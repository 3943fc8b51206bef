//! From the first instruction to the exit code.

use super::ecall::{commit, halt};
use crate::batch::{self, BatchError};
use crate::signature::FastCrypto;
use core::arch::global_asm;
use core::panic::PanicInfo;

/// The input region: its length in bytes, then the bytes. Whoever proves chooses all of it.
const INPUT_START: usize = 0x4000_0000;
const INPUT_BYTES: usize = 0x4000_0000;
const LENGTH_BYTES: usize = 4;

const EXIT_PANIC: u32 = 1;

global_asm!(
    ".section .text._start, \"ax\"",
    ".globl _start",
    "_start:",
    ".option push",
    ".option norelax",
    "la gp, __global_pointer$",
    ".option pop",
    "li sp, 0x10000000",
    "call guest_main",
    "unimp",
);

#[no_mangle]
extern "C" fn guest_main() -> ! {
    revm::install_crypto(FastCrypto);
    let statement = input().ok_or(BatchError::BadWitness).and_then(batch::run);
    match statement {
        Ok(statement) => {
            for (index, word) in (0..).zip(statement.digest().chunks_exact(4)) {
                commit(
                    index,
                    u32::from_be_bytes([word[0], word[1], word[2], word[3]]),
                );
            }
            halt(0)
        }
        Err(error) => halt(error.exit_code()),
    }
}

fn input() -> Option<&'static [u8]> {
    // SAFETY: the machine maps the whole input region, and nothing here writes to it.
    unsafe {
        let length = (INPUT_START as *const u32).read() as usize;
        if length > INPUT_BYTES - LENGTH_BYTES {
            return None;
        }
        let start = (INPUT_START + LENGTH_BYTES) as *const u8;
        Some(core::slice::from_raw_parts(start, length))
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    halt(EXIT_PANIC)
}
