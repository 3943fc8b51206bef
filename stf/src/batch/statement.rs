//! What a batch proves, as the verifier's contract reads it: 32-byte words, big-endian.

use crate::keccak::keccak256;
use alloc::vec::Vec;
use revm::primitives::{b256, Address, B256, U256};

/// `keccak256("Braid batch statement 1")`.
const DOMAIN: B256 = b256!("e994762a79bde31d2e738081c8a518d30704b93264552256b4fff32f5fcf1060");

/// Hash chains that go on from batch to batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accumulators {
    /// Over keccak-256 of each block's data.
    pub block_data: B256,
    /// Over the leaf hashes of the deposits that L1's messages brought.
    pub deposits: B256,
    /// Over the leaf hashes of the messages from the fast chain.
    pub inbound: B256,
    /// Over the hashes of the checkpoint certificates that the blocks name.
    pub certificates: B256,
    /// Over the Merkle root of each outbox that is not empty.
    pub outbox: B256,
}

impl Accumulators {
    fn words(&self) -> [B256; 5] {
        [
            self.block_data,
            self.deposits,
            self.inbound,
            self.certificates,
            self.outbox,
        ]
    }
}

/// The next hash of a chain.
pub fn chain_hash(chain: &B256, item: &B256) -> B256 {
    let mut pair = [0; 64];
    pair[..32].copy_from_slice(chain.as_slice());
    pair[32..].copy_from_slice(item.as_slice());
    keccak256(pair)
}

/// What a round on the fast chain was granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTotals {
    pub mints: U256,
    /// In wei.
    pub value: U256,
}

/// The claim about one batch of consecutive blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub chain_id: u64,
    pub l1_chain_id: u64,
    pub is_base_fee_zero: bool,
    pub first_block: u64,
    pub last_block: u64,
    pub previous_state_root: B256,
    pub new_state_root: B256,
    pub previous_block_hash: B256,
    pub last_block_hash: B256,
    pub before: Accumulators,
    pub after: Accumulators,
    /// Ascending by asset.
    pub inflows: Vec<(Address, U256)>,
    /// Ascending by round.
    pub rounds: Vec<(U256, RoundTotals)>,
}

impl Statement {
    pub fn encode(&self) -> Vec<u8> {
        let mut words = Words::default();
        words.hash(&DOMAIN);
        words.number(self.chain_id);
        words.number(self.l1_chain_id);
        words.number(u64::from(self.is_base_fee_zero));
        words.number(self.first_block);
        words.number(self.last_block);
        words.hash(&self.previous_state_root);
        words.hash(&self.new_state_root);
        words.hash(&self.previous_block_hash);
        words.hash(&self.last_block_hash);
        for (before, after) in self.before.words().iter().zip(&self.after.words()) {
            words.hash(before);
            words.hash(after);
        }
        words.number(self.inflows.len() as u64);
        for (asset, amount) in &self.inflows {
            words.hash(&asset.into_word());
            words.wide(amount);
        }
        words.number(self.rounds.len() as u64);
        for (round, totals) in &self.rounds {
            words.wide(round);
            words.wide(&totals.mints);
            words.wide(&totals.value);
        }
        words.bytes
    }

    /// What the guest commits to.
    pub fn digest(&self) -> B256 {
        keccak256(self.encode())
    }
}

#[derive(Default)]
struct Words {
    bytes: Vec<u8>,
}

impl Words {
    fn hash(&mut self, hash: &B256) {
        self.bytes.extend_from_slice(hash.as_slice());
    }

    fn wide(&mut self, value: &U256) {
        self.bytes.extend_from_slice(&value.to_be_bytes::<32>());
    }

    fn number(&mut self, value: u64) {
        self.wide(&U256::from(value));
    }
}
