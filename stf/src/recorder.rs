//! Which parts of the state a batch of blocks looks into: what its witness has to hold.

use crate::state::{Account, AccountTrie, MissingState, StateReader};
use crate::trie::{walk, Encoder, Found, Key, MissingNode, Node, Reference, Root, Value};
use alloc::{rc::Rc, vec::Vec};
use core::cell::RefCell;
use revm::bytecode::Bytecode;
use revm::primitives::map::B256Set;
use revm::primitives::{B256, KECCAK_EMPTY, U256};

/// Hashes of the trie nodes that reads and updates came to.
#[derive(Debug, Default)]
pub struct Touched {
    hashes: B256Set,
}

impl Touched {
    pub fn insert(&mut self, reference: &Reference) {
        self.hashes.extend(reference.hash());
    }

    fn insert_path<V: Value>(&mut self, root: &Root<V>, key: &Key) -> Result<(), MissingNode> {
        walk(root, key, |node| self.insert(node.reference()))
    }

    fn contains(&self, reference: &Reference) -> bool {
        reference
            .hash()
            .map_or(true, |hash| self.hashes.contains(&hash))
    }

    pub fn merge(&mut self, other: Self) {
        self.hashes.extend(other.hashes);
    }
}

/// What has been read so far.
#[derive(Debug, Default)]
pub struct Recorder {
    pub touched: Touched,
    /// Codes in the order in which they were first read.
    codes: Vec<(B256, Bytecode)>,
    known_codes: B256Set,
    pub oldest_block_hash: Option<u64>,
}

impl Recorder {
    /// A code that a block of the batch itself deployed: no witness has to hold it.
    pub fn deploy(&mut self, code_hash: Option<B256>) {
        self.known_codes.extend(code_hash);
    }

    /// The codes to put in the witness.
    pub fn codes(&self) -> impl Iterator<Item = &[u8]> {
        self.codes
            .iter()
            .map(|(_, code)| code.original_byte_slice())
    }
}

/// A state that writes down what is read from it.
#[derive(Clone, Copy)]
pub struct RecordingState<'a, S> {
    pub state: S,
    pub accounts: &'a AccountTrie,
    pub recorder: &'a RefCell<Recorder>,
}

impl<S: StateReader<Account = Rc<Account>>> StateReader for RecordingState<'_, S> {
    type Account = Rc<Account>;

    fn account(&self, hashed_address: &B256) -> Result<Found<Rc<Account>>, MissingState> {
        let key = Key::from_hash(hashed_address);
        let touched = &mut self.recorder.borrow_mut().touched;
        touched.insert_path(self.accounts, &key)?;
        self.state.account(hashed_address)
    }

    fn storage(
        &self,
        account: &Rc<Account>,
        hashed_slot: &B256,
    ) -> Result<Found<U256>, MissingState> {
        let key = Key::from_hash(hashed_slot);
        let touched = &mut self.recorder.borrow_mut().touched;
        touched.insert_path(&account.storage, &key)?;
        self.state.storage(account, hashed_slot)
    }

    fn code(&self, code_hash: &B256) -> Result<Bytecode, MissingState> {
        let code = self.state.code(code_hash)?;
        let recorder = &mut *self.recorder.borrow_mut();
        let is_new = *code_hash != KECCAK_EMPTY && recorder.known_codes.insert(*code_hash);
        if is_new {
            recorder.codes.push((*code_hash, code.clone()));
        }
        Ok(code)
    }

    fn block_hash(&self, number: u64) -> Result<Option<B256>, MissingState> {
        let oldest = &mut self.recorder.borrow_mut().oldest_block_hash;
        *oldest = Some(oldest.map_or(number, |known| known.min(number)));
        self.state.block_hash(number)
    }
}

/// The touched nodes of the accounts and of their storage, in the order of a walk from the root.
pub fn collect_nodes(accounts: &AccountTrie, touched: &Touched) -> Vec<Vec<u8>> {
    let mut collector = Collector {
        touched,
        encoder: Encoder::default(),
        nodes: Vec::new(),
    };
    if let Some(root) = accounts {
        collector.collect(root, 0, &mut |collector, account| {
            if let Some(root) = &account.storage {
                collector.collect(root, 0, &mut |_, _| ());
            }
        });
    }
    collector.nodes
}

struct Collector<'a> {
    touched: &'a Touched,
    encoder: Encoder,
    nodes: Vec<Vec<u8>>,
}

impl Collector<'_> {
    fn collect<V: Value>(
        &mut self,
        node: &Node<V>,
        depth: usize,
        on_value: &mut dyn FnMut(&mut Self, &V),
    ) {
        if !self.touched.contains(node.reference()) {
            return;
        }
        let has_own_encoding = depth == 0 || node.reference().is_hash();
        if has_own_encoding {
            let encoding = node.encoding(depth, &mut self.encoder).to_vec();
            self.nodes.push(encoding);
        }
        match node {
            Node::Leaf { value, .. } => on_value(self, value),
            Node::Extension { end, child, .. } => self.collect(child, *end as usize, on_value),
            Node::Branch { children, .. } => {
                for child in children.iter().flatten() {
                    self.collect(child, depth + 1, on_value);
                }
            }
            Node::Unresolved { .. } => (),
        }
    }
}
