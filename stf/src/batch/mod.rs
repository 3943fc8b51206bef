//! The stateless form: consecutive blocks over a witness, and the statement that they make.
//!
//! Nothing in a witness is trusted. Headers, trie nodes and codes are checked against the hashes
//! that name them, senders are recovered, and the block before the batch, its state root and every
//! accumulator's start go into the statement, for the verifier to compare with what it knows.

mod crossing;
mod data;
mod events;
mod forced;
mod run;
mod statement;
mod witness;

pub use events::{delivered_target, FORCED_TRANSACTION, PORTAL};
pub use run::{run, BatchError};
pub use statement::{Accumulators, RoundTotals, Statement};
