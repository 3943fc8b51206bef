//! Errors as the host sees them: a status, a message, and data where there is some.

use super::messagepack::{MalformedRequest, Writer};
use crate::batch::BatchError;
use crate::block::BlockError;
use crate::call::CallError;
use crate::engine::EngineError;
use crate::loader::SnapshotError;
use crate::state::MissingState;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Kind of an error; the host maps each to an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Success = 0,
    MalformedRequest = 1,
    NotStarted = 2,
    UnknownBlock = 3,
    BlockRejected = 4,
    RollbackBelowFinalized = 5,
    SnapshotRejected = 6,
    CallRejected = 7,
    CallReverted = 8,
    GasRequiredExceedsAllowance = 9,
    MissingState = 10,
    WitnessRejected = 11,
    ProvingBudgetExceeded = 12,
}

/// An error on its way to the host.
pub struct Failure {
    status: Status,
    message: String,
    data: Vec<u8>,
}

impl Failure {
    pub fn new(status: Status, message: String) -> Self {
        Self {
            status,
            message,
            data: Vec::new(),
        }
    }

    pub fn write(&self, out: &mut Writer) {
        out.array(3);
        out.unsigned(self.status as u64);
        out.text(&self.message);
        out.byte_string(&self.data);
    }
}

impl From<MalformedRequest> for Failure {
    fn from(error: MalformedRequest) -> Self {
        Self::new(Status::MalformedRequest, error.to_string())
    }
}

impl From<MissingState> for Failure {
    fn from(error: MissingState) -> Self {
        Self::new(Status::MissingState, error.to_string())
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        Self::new(Status::WitnessRejected, error.to_string())
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        Self::new(Status::SnapshotRejected, error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let status = match error {
            EngineError::UnknownBlock { .. } => Status::UnknownBlock,
            EngineError::RollbackBelowFinalized { .. } => Status::RollbackBelowFinalized,
            EngineError::Block(BlockError::MissingState) => Status::MissingState,
            EngineError::Block(_) => Status::BlockRejected,
        };
        Self::new(status, error.to_string())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        match error {
            CallError::Engine(error) => error.into(),
            CallError::Invalid(_) => Self::new(Status::CallRejected, message),
            CallError::Reverted(output) => Self {
                status: Status::CallReverted,
                message,
                data: output.to_vec(),
            },
            CallError::GasRequiredExceedsAllowance { .. } => {
                Self::new(Status::GasRequiredExceedsAllowance, message)
            }
            CallError::ProvingBudgetExceeded => Self::new(Status::ProvingBudgetExceeded, message),
            CallError::MissingState => Self::new(Status::MissingState, message),
        }
    }
}
