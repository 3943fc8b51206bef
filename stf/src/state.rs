//! World state: accounts and their storage, as a reader that the STF needs and as a trie in memory.

use crate::keccak::keccak256;
use crate::trie::{
    self, resolve, BadNode, DecodeValue, Encoder, Found, Key, MissingNode, NodeSource, RlpItems,
    Root, Value,
};
use alloc::{rc::Rc, vec::Vec};
use core::fmt;
use revm::bytecode::Bytecode;
use revm::database_interface::DBErrorMarker;
use revm::primitives::{Address, B256Map, B256, KECCAK_EMPTY, U256};

/// Part of the state that the STF needs is not there (possible over a witness only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingState;

impl fmt::Display for MissingState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the state does not hold an entry that the block needs")
    }
}

impl core::error::Error for MissingState {}

impl From<MissingNode> for MissingState {
    fn from(_: MissingNode) -> Self {
        Self
    }
}

impl DBErrorMarker for MissingState {}

/// What the STF reads: the state after the parent block, and older block hashes.
pub trait StateReader {
    /// Keeps an account's storage reachable without looking the account up again.
    type Account: AccountReader;

    /// Account whose address hashes to `hashed_address`.
    fn account(&self, hashed_address: &B256) -> Result<Found<Self::Account>, MissingState>;
    /// Value of a slot, if it is set.
    fn storage(
        &self,
        account: &Self::Account,
        hashed_slot: &B256,
    ) -> Result<Found<U256>, MissingState>;
    /// Code with this hash.
    fn code(&self, code_hash: &B256) -> Result<Bytecode, MissingState>;
    /// Hash of one of the last 256 blocks; `None` for all others.
    fn block_hash(&self, number: u64) -> Result<Option<B256>, MissingState>;
}

/// The fields of one account.
pub trait AccountReader: Clone {
    fn fields(&self) -> AccountFields;
    fn has_storage(&self) -> bool;
}

/// Nonce, balance and code of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFields {
    pub nonce: u64,
    pub balance: U256,
    pub code_hash: B256,
}

/// Difference that one block makes to one account.
#[derive(Debug)]
pub struct AccountDelta<A> {
    pub address: Address,
    pub hashed_address: B256,
    pub before: Option<A>,
    /// `None`: the account is gone.
    pub after: Option<AccountFields>,
    /// Set where the code changed.
    pub code: Option<Bytecode>,
    /// All slots of `before` are gone before `storage` applies.
    pub is_storage_wiped: bool,
    /// Changed slots, sorted; zero clears a slot.
    pub storage: Vec<(U256, U256)>,
}

/// One account in the trie.
#[derive(Clone, Debug)]
pub struct Account {
    pub fields: AccountFields,
    pub storage: Root<U256>,
    pub storage_root: B256,
}

impl AccountReader for Rc<Account> {
    fn fields(&self) -> AccountFields {
        self.fields
    }

    fn has_storage(&self) -> bool {
        self.storage.is_some()
    }
}

impl Value for Rc<Account> {
    fn encode_value(&self, out: &mut Vec<u8>) {
        use alloy_rlp::{Encodable, Header};
        let fields = &self.fields;
        let payload_length = fields.nonce.length() + fields.balance.length() + 2 * 33;
        Header {
            list: true,
            payload_length,
        }
        .encode(out);
        fields.nonce.encode(out);
        fields.balance.encode(out);
        self.storage_root.encode(out);
        fields.code_hash.encode(out);
    }
}

impl Value for U256 {
    fn encode_value(&self, out: &mut Vec<u8>) {
        alloy_rlp::Encodable::encode(self, out);
    }
}

impl DecodeValue for U256 {
    fn decode_value<'a, I: Iterator<Item = &'a [u8]>>(
        encoded: &[u8],
        _source: &mut NodeSource<'a, I>,
    ) -> Result<Self, BadNode> {
        let value = decode_exact::<Self>(encoded)?;
        // A slot of value zero has no leaf.
        if value.is_zero() {
            return Err(BadNode);
        }
        Ok(value)
    }
}

impl DecodeValue for Rc<Account> {
    fn decode_value<'a, I: Iterator<Item = &'a [u8]>>(
        encoded: &[u8],
        source: &mut NodeSource<'a, I>,
    ) -> Result<Self, BadNode> {
        let mut items = RlpItems::of_list(encoded)?;
        let nonce = decode_exact(items.next()?.encoded)?;
        let balance = decode_exact(items.next()?.encoded)?;
        let storage_root: B256 = decode_exact(items.next()?.encoded)?;
        let code_hash = decode_exact(items.next()?.encoded)?;
        if !items.is_empty() {
            return Err(BadNode);
        }
        Ok(Self::new(Account {
            fields: AccountFields {
                nonce,
                balance,
                code_hash,
            },
            storage: resolve(&storage_root, source)?,
            storage_root,
        }))
    }
}

fn decode_exact<T: alloy_rlp::Decodable>(mut encoded: &[u8]) -> Result<T, BadNode> {
    let value = T::decode(&mut encoded).map_err(|_| BadNode)?;
    if encoded.is_empty() {
        Ok(value)
    } else {
        Err(BadNode)
    }
}

/// The accounts after one block.
pub type AccountTrie = Root<Rc<Account>>;

/// Account at `address` in `accounts`.
pub fn account_at<'a>(
    accounts: &'a AccountTrie,
    address: &Address,
) -> Result<Option<&'a Rc<Account>>, MissingState> {
    Ok(trie::get(accounts, &Key::from_hash(&keccak256(address)))?)
}

/// Value of `slot` of `account`.
pub fn storage_at(account: &Account, slot: &U256) -> Result<U256, MissingState> {
    let key = Key::from_hash(&keccak256(slot.to_be_bytes::<32>()));
    let value = trie::get(&account.storage, &key)?;
    Ok(value.copied().unwrap_or_default())
}

/// All code ever deployed on a chain, by hash.
#[derive(Default)]
pub struct CodeStore {
    codes: B256Map<Bytecode>,
}

impl CodeStore {
    pub fn insert(&mut self, code_hash: B256, code: Bytecode) {
        if code_hash != KECCAK_EMPTY {
            self.codes.entry(code_hash).or_insert(code);
        }
    }

    pub fn get(&self, code_hash: &B256) -> Option<Bytecode> {
        if *code_hash == KECCAK_EMPTY {
            return Some(Bytecode::default());
        }
        self.codes.get(code_hash).cloned()
    }
}

/// The trie after a block's deltas.
pub fn apply_deltas(
    accounts: &AccountTrie,
    deltas: &[AccountDelta<Rc<Account>>],
    encoder: &mut Encoder,
) -> Result<AccountTrie, MissingState> {
    let mut changes: Vec<(Key, Option<Rc<Account>>)> = Vec::with_capacity(deltas.len());
    for delta in deltas {
        let account = match delta.after {
            Some(fields) => Some(Rc::new(changed_account(delta, fields, encoder)?)),
            None => None,
        };
        changes.push((Key::from_hash(&delta.hashed_address), account));
    }
    changes.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    Ok(trie::update(accounts, &changes, encoder)?)
}

fn changed_account(
    delta: &AccountDelta<Rc<Account>>,
    fields: AccountFields,
    encoder: &mut Encoder,
) -> Result<Account, MissingNode> {
    let kept = delta.before.as_ref().filter(|_| !delta.is_storage_wiped);
    if delta.storage.is_empty() {
        let storage = kept.and_then(|before| before.storage.clone());
        let storage_root = kept.map_or(trie::EMPTY_ROOT, |before| before.storage_root);
        return Ok(Account {
            fields,
            storage,
            storage_root,
        });
    }
    let mut changes: Vec<(Key, Option<U256>)> = delta
        .storage
        .iter()
        .map(|(slot, value)| {
            let key = Key::from_hash(&keccak256(slot.to_be_bytes::<32>()));
            (key, (!value.is_zero()).then_some(*value))
        })
        .collect();
    changes.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let base = kept.and_then(|before| before.storage.clone());
    let storage = trie::update(&base, &changes, encoder)?;
    let storage_root = trie::root_hash(&storage, encoder);
    Ok(Account {
        fields,
        storage,
        storage_root,
    })
}
