//! The machine's calls. An ecall changes no register.

use super::field::Words;
use super::secp256k1::Point;
use core::arch::asm;
use core::mem::MaybeUninit;

const HALT: u32 = 0;
const COMMIT: u32 = 1;
const KECCAK_F: u32 = 2;
const MULMOD: u32 = 3;
const SECP256K1_ADD: u32 = 4;
const SECP256K1_DOUBLE: u32 = 5;

/// Ends the program; only an exit code of 0 can be proved.
pub fn halt(exit_code: u32) -> ! {
    // SAFETY: the machine stops here.
    unsafe { asm!("ecall", in("a7") HALT, in("a0") exit_code, options(noreturn, nostack)) }
}

/// Makes `word` the public value number `index`.
pub fn commit(index: u32, word: u32) {
    // SAFETY: touches no memory.
    unsafe {
        asm!("ecall", in("a7") COMMIT, in("a0") index, in("a1") word, options(nomem, nostack));
    }
}

/// Keccak-f[1600] of 25 lanes, the low word of each first.
pub fn keccak_f(state: &mut [u32; 50]) {
    // SAFETY: the machine reads and writes these 50 words.
    unsafe { asm!("ecall", in("a7") KECCAK_F, in("a0") state.as_mut_ptr(), options(nostack)) }
}

/// `left * right` modulo `modulus`, which is not zero.
#[inline(always)]
pub fn multiply(left: &Words, right: &Words, modulus: &Words) -> Words {
    let mut product = MaybeUninit::<Words>::uninit();
    // SAFETY: the machine reads three times eight words and writes the eight of the product.
    unsafe {
        asm!(
            "ecall",
            in("a7") MULMOD,
            in("a0") product.as_mut_ptr(),
            in("a1") left.0.as_ptr(),
            in("a2") right.0.as_ptr(),
            in("a3") modulus.0.as_ptr(),
            options(nostack)
        );
        product.assume_init()
    }
}

/// Multiplies `value` by `factor` modulo `modulus`, which is not zero.
#[inline(always)]
pub fn multiply_by(value: &mut Words, factor: &Words, modulus: &Words) {
    // SAFETY: the machine reads the factors before it writes the product over the first.
    unsafe {
        asm!(
            "ecall",
            in("a7") MULMOD,
            in("a0") value.0.as_mut_ptr(),
            in("a1") value.0.as_mut_ptr(),
            in("a2") factor.0.as_ptr(),
            in("a3") modulus.0.as_ptr(),
            options(nostack)
        );
    }
}

/// Squares `value` `count` times, at least once, modulo `modulus`, which is not zero.
#[inline(always)]
pub fn square(value: &mut Words, count: u32, modulus: &Words) {
    let pointer = value.0.as_mut_ptr();
    // SAFETY: the machine reads both factors before it writes the product over them.
    unsafe {
        asm!(
            "2:",
            "ecall",
            "addi {count}, {count}, -1",
            "bnez {count}, 2b",
            count = inout(reg) count => _,
            in("a7") MULMOD,
            in("a0") pointer,
            in("a1") pointer,
            in("a2") pointer,
            in("a3") modulus.0.as_ptr(),
            options(nostack)
        );
    }
}

/// Adds `other` to `point`; their coordinates are below p and their x differ.
#[inline(always)]
pub fn add_points(point: &mut Point, other: &Point) {
    // SAFETY: the machine reads both points and writes the first.
    unsafe {
        asm!(
            "ecall",
            in("a7") SECP256K1_ADD,
            in("a0") point as *mut Point,
            in("a1") other as *const Point,
            options(nostack)
        );
    }
}

/// Doubles `point`; its coordinates are below p and its y is never 0.
#[inline(always)]
pub fn double_point(point: &mut Point) {
    // SAFETY: the machine reads and writes the point.
    unsafe {
        asm!(
            "ecall",
            in("a7") SECP256K1_DOUBLE,
            in("a0") point as *mut Point,
            options(nostack)
        );
    }
}
