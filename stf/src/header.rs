//! Block headers in Ethereum's format (yellow paper 4.3; EIP-1559, 4895, 4844, 4788, 7685).

use crate::chain::ChainRules;
use crate::keccak::keccak256;
use alloc::vec::Vec;
use alloy_rlp::{Decodable, Encodable, Header as RlpHeader};
use revm::primitives::alloy_primitives::{Bloom, B64};
use revm::primitives::{b256, hardfork::SpecId, Address, Bytes, B256, U256};

use crate::trie::EMPTY_ROOT;

/// `keccak256(rlp([]))`: no ommers.
const EMPTY_OMMERS: B256 =
    b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
/// `sha256("")`: no execution requests.
const EMPTY_REQUESTS: B256 =
    b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

/// EIP-1559: the base fee changes by at most one eighth per block.
const BASE_FEE_CHANGE_DENOMINATOR: u128 = 8;
/// EIP-1559: the gas target is half of the gas limit.
const ELASTICITY: u64 = 2;

/// The fields of a header that differ between this project's blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub parent_hash: B256,
    pub coinbase: Address,
    pub state_root: B256,
    pub transactions_root: B256,
    pub receipts_root: B256,
    pub logs_bloom: Bloom,
    pub number: u64,
    pub gas_limit: u64,
    pub gas_used: u64,
    pub timestamp_seconds: u64,
    pub prev_randao: B256,
    pub base_fee: u64,
}

impl Header {
    /// RLP with the fields that `fork` has.
    pub fn encode(&self, fork: SpecId) -> Vec<u8> {
        let mut fields = Vec::with_capacity(640);
        self.parent_hash.encode(&mut fields);
        EMPTY_OMMERS.encode(&mut fields);
        self.coinbase.encode(&mut fields);
        self.state_root.encode(&mut fields);
        self.transactions_root.encode(&mut fields);
        self.receipts_root.encode(&mut fields);
        self.logs_bloom.encode(&mut fields);
        U256::ZERO.encode(&mut fields);
        self.number.encode(&mut fields);
        self.gas_limit.encode(&mut fields);
        self.gas_used.encode(&mut fields);
        self.timestamp_seconds.encode(&mut fields);
        Bytes::new().encode(&mut fields);
        self.prev_randao.encode(&mut fields);
        B64::ZERO.encode(&mut fields);
        self.base_fee.encode(&mut fields);
        EMPTY_ROOT.encode(&mut fields);
        if fork.is_enabled_in(SpecId::CANCUN) {
            0u64.encode(&mut fields);
            0u64.encode(&mut fields);
            B256::ZERO.encode(&mut fields);
        }
        if fork.is_enabled_in(SpecId::PRAGUE) {
            EMPTY_REQUESTS.encode(&mut fields);
        }
        let list = RlpHeader {
            list: true,
            payload_length: fields.len(),
        };
        let mut encoded = Vec::with_capacity(list.length_with_payload());
        list.encode(&mut encoded);
        encoded.extend_from_slice(&fields);
        encoded
    }

    /// The header whose encoding under `fork` is exactly `encoded`.
    pub fn decode(encoded: &[u8], fork: SpecId) -> Option<Self> {
        let header = Self::decode_fields(encoded).ok()?;
        (header.encode(fork) == encoded).then_some(header)
    }

    fn decode_fields(mut encoded: &[u8]) -> alloy_rlp::Result<Self> {
        let mut rest = RlpHeader::decode_bytes(&mut encoded, true)?;
        let fields = &mut rest;
        let parent_hash = B256::decode(fields)?;
        B256::decode(fields)?;
        let coinbase = Address::decode(fields)?;
        let state_root = B256::decode(fields)?;
        let transactions_root = B256::decode(fields)?;
        let receipts_root = B256::decode(fields)?;
        let logs_bloom = Bloom::decode(fields)?;
        U256::decode(fields)?;
        let number = u64::decode(fields)?;
        let gas_limit = u64::decode(fields)?;
        let gas_used = u64::decode(fields)?;
        let timestamp_seconds = u64::decode(fields)?;
        Bytes::decode(fields)?;
        let prev_randao = B256::decode(fields)?;
        B64::decode(fields)?;
        let base_fee = u64::decode(fields)?;
        Ok(Self {
            parent_hash,
            coinbase,
            state_root,
            transactions_root,
            receipts_root,
            logs_bloom,
            number,
            gas_limit,
            gas_used,
            timestamp_seconds,
            prev_randao,
            base_fee,
        })
    }

    /// Hash of the block.
    pub fn hash(&self, fork: SpecId) -> B256 {
        keccak256(self.encode(fork))
    }

    /// Base fee of the block after this one, in wei (EIP-1559).
    pub fn next_base_fee(&self, rules: &ChainRules) -> u64 {
        if rules.is_base_fee_zero {
            return 0;
        }
        let target = self.gas_limit / ELASTICITY;
        if target == 0 || self.gas_used == target {
            return self.base_fee;
        }
        let change = |gas: u64| {
            u128::from(self.base_fee) * u128::from(gas)
                / u128::from(target)
                / BASE_FEE_CHANGE_DENOMINATOR
        };
        if self.gas_used > target {
            let increase = change(self.gas_used - target).max(1);
            u64::try_from(u128::from(self.base_fee) + increase).unwrap_or(u64::MAX)
        } else {
            let decrease = change(target - self.gas_used);
            self.base_fee - u64::try_from(decrease).unwrap_or(self.base_fee)
        }
    }
}
