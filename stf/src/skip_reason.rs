//! Why a transaction of a block had no effect.

use revm::context::result::InvalidTransaction;

/// The first check that failed, in the order of the variants. The last is no fault of the
/// transaction: a later block may take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    InvalidEncoding,
    UnsupportedType,
    ProvingBudget,
    WrongChainId,
    InvalidSignature,
    EmptyAuthorizationList,
    TipAboveFee,
    FeeBelowBaseFee,
    BlockGasLimit,
    InitcodeTooLarge,
    IntrinsicGas,
    SenderHasCode,
    NonceMax,
    NonceTooLow,
    NonceTooHigh,
    InsufficientFunds,
    BlockProvingBudget,
}

impl SkipReason {
    /// The stable name that engines report.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidEncoding => "invalid encoding",
            Self::UnsupportedType => "unsupported type",
            Self::ProvingBudget => "proving budget",
            Self::WrongChainId => "wrong chain id",
            Self::InvalidSignature => "invalid signature",
            Self::EmptyAuthorizationList => "empty authorization list",
            Self::TipAboveFee => "tip above fee",
            Self::FeeBelowBaseFee => "fee below base fee",
            Self::BlockGasLimit => "block gas limit",
            Self::InitcodeTooLarge => "initcode too large",
            Self::IntrinsicGas => "intrinsic gas",
            Self::SenderHasCode => "sender has code",
            Self::NonceMax => "nonce at maximum",
            Self::NonceTooLow => "nonce too low",
            Self::NonceTooHigh => "nonce too high",
            Self::InsufficientFunds => "insufficient funds",
            Self::BlockProvingBudget => "block proving budget",
        }
    }
}

impl From<InvalidTransaction> for SkipReason {
    fn from(error: InvalidTransaction) -> Self {
        use InvalidTransaction as Invalid;
        match error {
            Invalid::PriorityFeeGreaterThanMaxFee => Self::TipAboveFee,
            Invalid::GasPriceLessThanBasefee => Self::FeeBelowBaseFee,
            Invalid::CallerGasLimitMoreThanBlock | Invalid::TxGasLimitGreaterThanCap { .. } => {
                Self::BlockGasLimit
            }
            Invalid::CallGasCostMoreThanGasLimit { .. }
            | Invalid::GasFloorMoreThanGasLimit { .. } => Self::IntrinsicGas,
            Invalid::RejectCallerWithCode => Self::SenderHasCode,
            Invalid::LackOfFundForMaxFee { .. } | Invalid::OverflowPaymentInTransaction => {
                Self::InsufficientFunds
            }
            Invalid::NonceOverflowInTransaction => Self::NonceMax,
            Invalid::NonceTooHigh { tx: u64::MAX, .. } => Self::NonceMax,
            Invalid::NonceTooHigh { .. } => Self::NonceTooHigh,
            Invalid::NonceTooLow { .. } => Self::NonceTooLow,
            Invalid::CreateInitCodeSizeLimit => Self::InitcodeTooLarge,
            Invalid::InvalidChainId | Invalid::MissingChainId => Self::WrongChainId,
            Invalid::EmptyAuthorizationList => Self::EmptyAuthorizationList,
            Invalid::AuthorizationListInvalidFields => Self::InvalidEncoding,
            Invalid::AccessListNotSupported
            | Invalid::MaxFeePerBlobGasNotSupported
            | Invalid::BlobVersionedHashesNotSupported
            | Invalid::BlobGasPriceGreaterThanMax { .. }
            | Invalid::EmptyBlobs
            | Invalid::BlobCreateTransaction
            | Invalid::TooManyBlobs { .. }
            | Invalid::BlobVersionNotSupported
            | Invalid::AuthorizationListNotSupported
            | Invalid::Eip2930NotSupported
            | Invalid::Eip1559NotSupported
            | Invalid::Eip4844NotSupported
            | Invalid::Eip7702NotSupported
            | Invalid::Eip7873NotSupported
            | Invalid::Eip7873MissingTarget
            | Invalid::Str(_) => Self::UnsupportedType,
        }
    }
}
