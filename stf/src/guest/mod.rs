//! The batch as a program of the zkVM: input region in, digest of the statement out.
//!
//! Everything else of the crate is the same code as in the wasm module; what differs here is how
//! keccak-256 and signature recovery reach the machine's accelerators.

mod allocator;
mod atomic;
mod ecall;
mod entry;
mod field;
mod keccak;
mod memory;
mod secp256k1;

pub use keccak::keccak256;
pub use secp256k1::recover_public_key;
