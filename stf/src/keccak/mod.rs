//! keccak-256 for tries, addresses and transactions: in software, or by the zkVM's accelerator.
//!
//! revm's own opcode hashes through alloy, whose `native-keccak` hook the guest serves. In wasm
//! that hook is of no use: rustc gives the import a name of its own, so that it stays one even
//! where the module defines the function.

#[cfg(not(feature = "guest"))]
mod software;

#[cfg(feature = "guest")]
pub use crate::guest::keccak256;
#[cfg(not(feature = "guest"))]
pub use software::keccak256;
