//! keccak-256 by the machine's permutation.

use super::ecall::keccak_f;
use revm::primitives::B256;

/// Words that one permutation absorbs.
const RATE_WORDS: usize = 34;
const RATE_BYTES: usize = 4 * RATE_WORDS;

/// Hash of `data`.
pub fn keccak256(data: impl AsRef<[u8]>) -> B256 {
    hash(data.as_ref())
}

#[inline(never)]
fn hash(data: &[u8]) -> B256 {
    let mut state = [0; 50];
    let mut blocks = data.chunks_exact(RATE_BYTES);
    for block in &mut blocks {
        absorb(&mut state, block);
        keccak_f(&mut state);
    }
    let rest = blocks.remainder();
    absorb(&mut state, rest);
    state[rest.len() / 4] ^= 1 << (8 * (rest.len() % 4));
    state[RATE_WORDS - 1] ^= 0x8000_0000;
    keccak_f(&mut state);

    let mut hash = B256::ZERO;
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    hash
}

/// Mixes at most one block into the state.
#[inline(always)]
fn absorb(state: &mut [u32; 50], block: &[u8]) {
    // SAFETY: every four bytes are a u32, and the machine is little-endian.
    let (unaligned, words, _) = unsafe { block.align_to::<u32>() };
    if unaligned.is_empty() {
        for (mixed, word) in state.iter_mut().zip(words) {
            *mixed ^= word;
        }
    } else {
        for (mixed, bytes) in state.iter_mut().zip(block.chunks_exact(4)) {
            *mixed ^= u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
    }
    let whole_words = block.len() / 4;
    for (at, byte) in block[4 * whole_words..].iter().enumerate() {
        state[whole_words] ^= u32::from(*byte) << (8 * at);
    }
}

/// The hook through which alloy, and with it revm's KECCAK256, hashes.
///
/// # Safety
///
/// `bytes` is readable for `length` bytes, and `output` writable for 32.
#[no_mangle]
unsafe extern "C" fn native_keccak256(bytes: *const u8, length: usize, output: *mut u8) {
    let data = core::slice::from_raw_parts(bytes, length);
    let hash = hash(data);
    core::ptr::copy_nonoverlapping(hash.as_ptr(), output, 32);
}
