//! Filling the state that a chain starts from: a genesis or a snapshot.

use crate::chain::ChainRules;
use crate::engine::{Engine, RetainedBlock};
use crate::header::Header;
use crate::keccak::keccak256;
use crate::state::{
    apply_deltas, Account, AccountDelta, AccountFields, AccountTrie, CodeStore, MissingState,
};
use crate::trie::{self, Encoder};
use alloc::{collections::BTreeMap, rc::Rc, vec::Vec};
use core::fmt;
use revm::bytecode::Bytecode;
use revm::primitives::alloy_primitives::Bloom;
use revm::primitives::{Address, Bytes, B256, KECCAK_EMPTY, U256};

/// One account of a genesis or a snapshot.
#[derive(Debug)]
pub struct FullAccount {
    pub address: Address,
    pub nonce: u64,
    pub balance: U256,
    pub code: Bytes,
    pub storage: Vec<(U256, U256)>,
}

/// State that is being filled before a chain starts.
pub struct Loader {
    pub rules: ChainRules,
    accounts: AccountTrie,
    codes: CodeStore,
    encoder: Encoder,
}

/// Why a snapshot was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    BadHeader,
    StateRootMismatch { expected: B256, got: B256 },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadHeader => formatter.write_str("the head header is no header of this fork"),
            Self::StateRootMismatch { expected, got } => {
                write!(formatter, "state root: expected {expected}, got {got}")
            }
        }
    }
}

impl Loader {
    pub fn new(rules: ChainRules) -> Self {
        Self {
            rules,
            accounts: None,
            codes: CodeStore::default(),
            encoder: Encoder::default(),
        }
    }

    /// Adds accounts; one that is already there is replaced.
    pub fn add(&mut self, accounts: Vec<FullAccount>) -> Result<(), MissingState> {
        let mut deltas: BTreeMap<B256, AccountDelta<Rc<Account>>> = BTreeMap::new();
        for account in accounts {
            let code_hash = if account.code.is_empty() {
                KECCAK_EMPTY
            } else {
                keccak256(&account.code)
            };
            self.codes
                .insert(code_hash, Bytecode::new_raw(account.code));
            let storage: BTreeMap<U256, U256> = account.storage.into_iter().collect();
            let hashed_address = keccak256(account.address);
            let fields = AccountFields {
                nonce: account.nonce,
                balance: account.balance,
                code_hash,
            };
            deltas.insert(
                hashed_address,
                AccountDelta {
                    address: account.address,
                    hashed_address,
                    before: None,
                    after: Some(fields),
                    code: None,
                    is_storage_wiped: false,
                    storage: storage.into_iter().collect(),
                },
            );
        }
        let deltas: Vec<_> = deltas.into_values().collect();
        self.accounts = apply_deltas(&self.accounts, &deltas, &mut self.encoder)?;
        Ok(())
    }

    /// Root of what has been added.
    pub fn state_root(&mut self) -> B256 {
        trie::root_hash(&self.accounts, &mut self.encoder)
    }

    /// A chain that starts here, with block 0.
    pub fn into_genesis(mut self, timestamp_seconds: u64, gas_limit: u64) -> Engine {
        let header = Header {
            parent_hash: B256::ZERO,
            coinbase: Address::ZERO,
            state_root: self.state_root(),
            transactions_root: trie::EMPTY_ROOT,
            receipts_root: trie::EMPTY_ROOT,
            logs_bloom: Bloom::ZERO,
            number: 0,
            gas_limit,
            gas_used: 0,
            timestamp_seconds,
            prev_randao: B256::ZERO,
            base_fee: if self.rules.is_base_fee_zero {
                0
            } else {
                self.rules.initial_base_fee
            },
        };
        self.into_engine(header, BTreeMap::new())
    }

    /// A chain that continues at the block with this header.
    pub fn into_head(
        mut self,
        header_rlp: &[u8],
        recent_hashes: BTreeMap<u64, B256>,
    ) -> Result<Engine, SnapshotError> {
        let header = Header::decode(header_rlp, self.rules.fork).ok_or(SnapshotError::BadHeader)?;
        let got = self.state_root();
        if got != header.state_root {
            return Err(SnapshotError::StateRootMismatch {
                expected: header.state_root,
                got,
            });
        }
        Ok(self.into_engine(header, recent_hashes))
    }

    fn into_engine(self, header: Header, older_hashes: BTreeMap<u64, B256>) -> Engine {
        let hash = header.hash(self.rules.fork);
        let head = RetainedBlock {
            header,
            hash,
            accounts: self.accounts,
        };
        Engine::new(self.rules, head, older_hashes, self.codes, self.encoder)
    }
}
