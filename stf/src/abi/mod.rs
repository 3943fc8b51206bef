//! The wasm32 surface: one call per operation through linear memory.
//!
//! The host writes a request at `allocate(length)` and calls `invoke(operation, address, length)`,
//! which takes the request over and returns `address << 32 | length` of the response; that stays
//! valid until the next call. A response is the MessagePack array `[0, result]`, or
//! `[status, message, data]` for an error. After a trap, `panic_message()` says why.

mod errors;
mod messagepack;
mod operations;
mod requests;
mod responses;
#[cfg(target_arch = "wasm32")]
mod wasm;

pub use operations::Instance;
