//! Braid's state transition function.
//!
//! - [`block`]: the transition of one block, pure over a [`state::StateReader`]
//! - [`trie`], [`state`]: Ethereum's state as a persistent trie in memory
//! - [`engine`]: a chain of retained blocks; reads and calls at any of them, rollback
//! - [`meter`]: what a transaction may cost to prove
//! - [`batch`]: the stateless form: consecutive blocks over a witness, and what they prove
//! - `guest`: that form as a program of the zkVM, on riscv32
//! - [`abi`]: the engine, behind exported functions of a wasm32 module
//!
//! Everything but [`abi`] is `no_std` with `alloc`, free of clocks, randomness and IO.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(feature = "abi")]
pub mod abi;
pub mod batch;
pub mod block;
pub mod call;
pub mod chain;
pub mod engine;
pub mod fixture;
#[cfg(feature = "guest")]
mod guest;
pub mod header;
pub mod keccak;
pub mod loader;
pub mod meter;
pub mod overlay;
pub mod receipt;
pub mod recorder;
#[cfg(not(feature = "guest"))]
mod recovery;
pub mod signature;
pub mod skip_reason;
pub mod state;
pub mod transaction;
pub mod trie;
