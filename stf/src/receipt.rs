//! Receipts and their encoding (EIP-2718, EIP-658).

use alloc::vec::Vec;
use alloy_rlp::{Encodable, Header};
use revm::primitives::alloy_primitives::Bloom;
use revm::primitives::{Address, Bytes, Log, B256};

/// Outcome of one included transaction.
#[derive(Debug)]
pub struct Receipt {
    pub transaction_hash: B256,
    pub transaction_type: u8,
    pub sender: Address,
    pub to: Option<Address>,
    pub is_success: bool,
    pub gas_used: u64,
    pub cumulative_gas_used: u64,
    pub effective_gas_price: u128,
    pub contract_address: Option<Address>,
    pub logs: Vec<Log>,
    /// Return or revert data of a system transaction; empty for all others.
    pub output: Bytes,
}

impl Receipt {
    /// Bloom filter over this receipt's logs.
    pub fn bloom(&self) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in &self.logs {
            bloom.accrue_log(log);
        }
        bloom
    }

    /// Encoding in the receipts trie.
    pub fn encode(&self, bloom: &Bloom) -> Vec<u8> {
        let logs_length: usize = self.logs.iter().map(Encodable::length).sum();
        let logs_header = Header {
            list: true,
            payload_length: logs_length,
        };
        let payload_length = self.is_success.length()
            + self.cumulative_gas_used.length()
            + bloom.length()
            + logs_header.length_with_payload();
        let header = Header {
            list: true,
            payload_length,
        };

        let mut encoded = Vec::with_capacity(header.length_with_payload() + 1);
        if self.transaction_type != 0 {
            encoded.push(self.transaction_type);
        }
        header.encode(&mut encoded);
        self.is_success.encode(&mut encoded);
        self.cumulative_gas_used.encode(&mut encoded);
        bloom.encode(&mut encoded);
        logs_header.encode(&mut encoded);
        for log in &self.logs {
            log.encode(&mut encoded);
        }
        encoded
    }
}
