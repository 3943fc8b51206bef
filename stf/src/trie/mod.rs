//! A persistent hexary Merkle Patricia trie in memory (Ethereum yellow paper, appendix D).
//!
//! Nodes are immutable and shared: an update copies only the paths that it changes, so every
//! retained block keeps its own root at the cost of its own changes, and going back to an older
//! block is choosing an older root. A node computes its reference (hash, or its own encoding when
//! that is shorter than 32 bytes) once, when it is built.

//!
//! A trie may be partial: where a witness holds only some of its nodes, the others are
//! [`Node::Unresolved`], and whatever needs one of them fails with [`MissingNode`].

mod key;
mod node;
mod partial;
mod proof;
mod update;

pub use key::Key;
pub use node::{Encoder, MissingNode, Node, Reference, Root, Value, EMPTY_ROOT};
pub use partial::{resolve, BadNode, DecodeValue, NodeSource, RlpItems};
pub use proof::prove;
pub use update::update;

use alloc::vec::Vec;
use revm::primitives::B256;

/// Value at `key`, if the trie holds one.
pub fn get<'a, V: Value>(root: &'a Root<V>, key: &Key) -> Result<Option<&'a V>, MissingNode> {
    let mut found = None;
    walk(root, key, |node| found = node.value_at(key))?;
    Ok(found)
}

/// What a search comes to, and how many branches it passes that no search of the same execution
/// passed before.
#[derive(Clone, Copy, Debug)]
pub struct Found<T> {
    pub value: Option<T>,
    pub branches: u32,
}

impl<T> Found<T> {
    /// Nothing, in no trie.
    pub const NOTHING: Self = Self {
        value: None,
        branches: 0,
    };
}

/// Value at `key`, for the execution with this number.
pub fn find<'a, V: Value>(
    root: &'a Root<V>,
    key: &Key,
    execution: u32,
) -> Result<Found<&'a V>, MissingNode> {
    let mut found = Found::NOTHING;
    walk(root, key, |node| match node {
        Node::Branch { seen_by, .. } => {
            found.branches += u32::from(seen_by.replace(execution) != execution);
        }
        _ => found.value = node.value_at(key),
    })?;
    Ok(found)
}

/// Shows `visit` the nodes from the root towards `key`, as far as they exist.
#[inline(always)]
pub fn walk<'a, V: Value>(
    root: &'a Root<V>,
    key: &Key,
    mut visit: impl FnMut(&'a Node<V>),
) -> Result<(), MissingNode> {
    let mut next = root.as_deref();
    let mut depth = 0;
    while let Some(node) = next {
        visit(node);
        next = match node {
            Node::Leaf { .. } => None,
            Node::Extension {
                key: path,
                end,
                child,
                ..
            } => {
                let is_on_path = key.common_prefix(path, depth) >= *end as usize;
                depth = *end as usize;
                is_on_path.then_some(&**child)
            }
            Node::Branch { children, .. } => {
                let child = children[key.nibble(depth)].as_deref();
                depth += 1;
                child
            }
            Node::Unresolved { .. } => return Err(MissingNode),
        };
    }
    Ok(())
}

/// Root hash of a trie.
pub fn root_hash<V: Value>(root: &Root<V>, encoder: &mut Encoder) -> B256 {
    match root {
        None => EMPTY_ROOT,
        Some(node) => node.hash(encoder),
    }
}

/// Root of the trie that maps `rlp(index)` to each item: transactions and receipts of a block.
pub fn ordered_root(items: &[Vec<u8>], encoder: &mut Encoder) -> Result<B256, MissingNode> {
    let mut changes: Vec<(Key, Option<&[u8]>)> = items
        .iter()
        .enumerate()
        .map(|(index, item)| (Key::from_index(index as u64), Some(item.as_slice())))
        .collect();
    changes.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let trie = update(&None, &changes, encoder)?;
    Ok(root_hash(&trie, encoder))
}

#[cfg(test)]
mod tests;
