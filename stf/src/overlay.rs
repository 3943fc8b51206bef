//! What the transactions of one block have changed so far, over the state after its parent.

use crate::keccak::keccak256;
use crate::meter::{costs, Meter};
use crate::state::{AccountDelta, AccountFields, AccountReader, MissingState, StateReader};
use crate::trie::Found;
use alloc::vec::Vec;
use revm::bytecode::Bytecode;
use revm::primitives::{
    map::{B256Set, Entry},
    Address, AddressMap, B256Map, HashMap, B256, KECCAK_EMPTY, U256,
};
use revm::state::{Account as EvmAccount, AccountInfo};
use revm::{Database, DatabaseCommit};

/// revm's database for one block.
pub struct Overlay<S: StateReader> {
    state: S,
    accounts: AddressMap<OverlayAccount<S::Account>>,
    codes: B256Map<Bytecode>,
    /// Codes of the state that the block has looked at.
    seen_codes: B256Set,
    /// How far back BLOCKHASH has reached.
    pub headers: u32,
    /// Charged for what is looked at.
    pub meter: Meter,
}

struct OverlayAccount<A> {
    hashed_address: B256,
    before: Option<A>,
    current: Option<AccountFields>,
    is_storage_wiped: bool,
    slots: HashMap<U256, Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    before: U256,
    current: U256,
}

impl<S: StateReader> Overlay<S> {
    pub fn new(state: S) -> Self {
        Self {
            state,
            accounts: AddressMap::default(),
            codes: B256Map::default(),
            seen_codes: B256Set::default(),
            headers: 0,
            meter: Meter::OFF,
        }
    }

    fn account(
        &mut self,
        address: Address,
    ) -> Result<&mut OverlayAccount<S::Account>, MissingState> {
        match self.accounts.entry(address) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let hashed_address = keccak256(address);
                let found = self.state.account(&hashed_address)?;
                self.meter.charge(costs::BRANCH * found.branches);
                let before = found.value;
                let current = before.as_ref().map(AccountReader::fields);
                Ok(entry.insert(OverlayAccount {
                    hashed_address,
                    before,
                    current,
                    is_storage_wiped: false,
                    slots: HashMap::default(),
                }))
            }
        }
    }

    /// What changed, sorted by address, and only what really differs from the parent's state.
    pub fn into_deltas(self) -> Vec<AccountDelta<S::Account>> {
        let codes = self.codes;
        let mut deltas: Vec<_> = self
            .accounts
            .into_iter()
            .filter_map(|(address, account)| account.into_delta(address, &codes))
            .collect();
        // By key and index, since a delta is large and moves once this way.
        deltas.sort_by_cached_key(|delta| delta.address);
        deltas
    }
}

impl<A: AccountReader> OverlayAccount<A> {
    fn into_delta(self, address: Address, codes: &B256Map<Bytecode>) -> Option<AccountDelta<A>> {
        let fields_before = self.before.as_ref().map(AccountReader::fields);
        let had_storage = self.before.as_ref().is_some_and(AccountReader::has_storage);
        let is_storage_wiped = self.is_storage_wiped && had_storage && self.current.is_some();

        let mut storage: Vec<(U256, U256)> = Vec::new();
        if self.current.is_some() {
            storage.extend(
                self.slots
                    .into_iter()
                    .filter(|(_, slot)| slot.before != slot.current)
                    .map(|(slot, values)| (slot, values.current)),
            );
            storage.sort_unstable();
        }

        let is_unchanged = fields_before == self.current && storage.is_empty() && !is_storage_wiped;
        if is_unchanged {
            return None;
        }
        let code_hash_before = fields_before.map_or(KECCAK_EMPTY, |fields| fields.code_hash);
        let code_hash_after = self.current.map_or(KECCAK_EMPTY, |fields| fields.code_hash);
        let is_code_changed = self.current.is_some() && code_hash_before != code_hash_after;
        let code = is_code_changed.then(|| {
            if code_hash_after == KECCAK_EMPTY {
                return Bytecode::default();
            }
            codes
                .get(&code_hash_after)
                .cloned()
                .expect("new code was committed with its account")
        });
        Some(AccountDelta {
            address,
            hashed_address: self.hashed_address,
            before: self.before,
            after: self.current,
            code,
            is_storage_wiped,
            storage,
        })
    }
}

impl<S: StateReader> Database for Overlay<S> {
    type Error = MissingState;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, MissingState> {
        self.meter.touch_account();
        let fields = self.account(address)?.current;
        Ok(fields.map(|fields| AccountInfo {
            balance: fields.balance,
            nonce: fields.nonce,
            code_hash: fields.code_hash,
            account_id: None,
            code: (fields.code_hash == KECCAK_EMPTY).then(Bytecode::default),
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, MissingState> {
        match self.codes.get(&code_hash) {
            Some(code) => Ok(code.clone()),
            None => {
                let code = self.state.code(&code_hash)?;
                if self.meter.is_on() && self.seen_codes.insert(code_hash) {
                    self.meter.charge(costs::CODE_BYTE * code.len() as u32);
                }
                Ok(code)
            }
        }
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, MissingState> {
        self.meter.touch_slot();
        self.account(address)?;
        let account = self.accounts.get_mut(&address).ok_or(MissingState)?;
        if let Some(known) = account.slots.get(&slot) {
            return Ok(known.current);
        }
        let found = match &account.before {
            Some(before) if !account.is_storage_wiped && before.has_storage() => self
                .state
                .storage(before, &keccak256(slot.to_be_bytes::<32>()))?,
            _ => Found::NOTHING,
        };
        self.meter.charge(costs::BRANCH * found.branches);
        let value = found.value.unwrap_or_default();
        account.slots.insert(
            slot,
            Slot {
                before: value,
                current: value,
            },
        );
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, MissingState> {
        Ok(self.state.block_hash(number)?.unwrap_or_default())
    }
}

impl<S: StateReader> DatabaseCommit for Overlay<S> {
    fn commit(&mut self, changes: AddressMap<EvmAccount>) {
        for (address, changed) in changes {
            if !changed.is_touched() {
                continue;
            }
            let account = self
                .accounts
                .get_mut(&address)
                .expect("revm reads an account before it changes it");

            let is_gone = changed.is_selfdestructed() || changed.info.is_empty();
            if is_gone {
                account.current = None;
                account.is_storage_wiped = true;
                account.slots.clear();
                continue;
            }
            if changed.is_created() {
                account.is_storage_wiped = true;
                account.slots.clear();
            }
            let info = changed.info;
            if let Some(code) = info.code {
                if info.code_hash != KECCAK_EMPTY {
                    self.codes.entry(info.code_hash).or_insert(code);
                }
            }
            account.current = Some(AccountFields {
                nonce: info.nonce,
                balance: info.balance,
                code_hash: info.code_hash,
            });
            for (slot, value) in changed.storage {
                if value.is_changed() {
                    account
                        .slots
                        .entry(slot)
                        .or_insert(Slot {
                            before: U256::ZERO,
                            current: U256::ZERO,
                        })
                        .current = value.present_value;
                }
            }
        }
    }
}
