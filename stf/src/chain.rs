//! Constants of a chain and the environment that they give to revm.

use revm::context::{BlockEnv, CfgEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::primitives::{eip4844, hardfork::SpecId, Address, B256, U256};

/// Rules of one chain.
#[derive(Clone, Copy, Debug)]
pub struct ChainRules {
    pub chain_id: u64,
    pub fork: SpecId,
    pub initial_base_fee: u64,
    pub is_base_fee_zero: bool,
    /// The chain is proved: what work costs to prove is bounded.
    pub is_metered: bool,
}

/// Fork with this lower-case name, if the STF has it.
pub fn fork_named(name: &str) -> Option<SpecId> {
    match name {
        "shanghai" => Some(SpecId::SHANGHAI),
        "cancun" => Some(SpecId::CANCUN),
        "prague" => Some(SpecId::PRAGUE),
        _ => None,
    }
}

/// What a block tells the contracts that run in it.
#[derive(Clone, Copy, Debug)]
pub struct BlockContext {
    pub number: u64,
    pub timestamp_seconds: u64,
    pub prev_randao: B256,
    pub coinbase: Address,
    pub gas_limit: u64,
    pub base_fee: u64,
    pub excess_blob_gas: u64,
}

impl ChainRules {
    /// revm's configuration. Chain ids of transactions are checked by the STF itself.
    pub fn configuration(&self) -> CfgEnv {
        let is_prague = self.fork.is_enabled_in(SpecId::PRAGUE);
        let max_blobs = if is_prague {
            eip4844::MAX_BLOB_NUMBER_PER_BLOCK_PRAGUE
        } else {
            eip4844::MAX_BLOB_NUMBER_PER_BLOCK_CANCUN
        };
        let mut configuration = CfgEnv::new()
            .with_chain_id(self.chain_id)
            .with_spec_and_mainnet_gas_params(self.fork)
            .with_max_blobs_per_tx(max_blobs);
        configuration.tx_chain_id_check = false;
        configuration
    }

    /// revm's view of a block.
    pub fn block_environment(&self, context: &BlockContext) -> BlockEnv {
        let has_blobs = self.fork.is_enabled_in(SpecId::CANCUN);
        let blob_gas = has_blobs
            .then(|| BlobExcessGasAndPrice::new_with_spec(context.excess_blob_gas, self.fork));
        BlockEnv {
            number: U256::from(context.number),
            beneficiary: context.coinbase,
            timestamp: U256::from(context.timestamp_seconds),
            gas_limit: context.gas_limit,
            basefee: context.base_fee,
            difficulty: U256::ZERO,
            prevrandao: Some(context.prev_randao),
            blob_excess_gas_and_price: blob_gas,
            slot_num: 0,
        }
    }
}
