//! A persistent hexary Merkle Patricia trie in memory (Ethereum yellow paper, appendix D).
//!
//! Nodes are immutable and shared: an update copies only the paths that it changes, so every
//! retained block keeps its own root at the cost of its own changes, and going back to an older
//! block is choosing an older root. A node computes its reference (hash, or its own encoding when
//! that is shorter than 32 bytes) once, when it is built.

mod key;
mod node;
mod proof;
mod update;

pub use key::Key;
pub use node::{Encoder, Node, Root, Value, EMPTY_ROOT};
pub use proof::prove;
pub use update::update;

use alloc::vec::Vec;
use revm::primitives::B256;

/// Value at `key`, if the trie holds one.
pub fn get<'a, V: Value>(root: &'a Root<V>, key: &Key) -> Option<&'a V> {
    let mut node = root.as_deref()?;
    let mut depth = 0;
    loop {
        match node {
            Node::Leaf {
                key: leaf_key,
                value,
                ..
            } => {
                return (leaf_key == key).then_some(value);
            }
            Node::Extension {
                key: path,
                end,
                child,
                ..
            } => {
                if key.common_prefix(path, depth) < *end as usize {
                    return None;
                }
                depth = *end as usize;
                node = child;
            }
            Node::Branch { children, .. } => {
                node = children[key.nibble(depth)].as_deref()?;
                depth += 1;
            }
        }
    }
}

/// Root hash of a trie.
pub fn root_hash<V: Value>(root: &Root<V>, encoder: &mut Encoder) -> B256 {
    match root {
        None => EMPTY_ROOT,
        Some(node) => node.hash(encoder),
    }
}

/// Root of the trie that maps `rlp(index)` to each item: transactions and receipts of a block.
pub fn ordered_root(items: &[Vec<u8>], encoder: &mut Encoder) -> B256 {
    let mut changes: Vec<(Key, Option<&[u8]>)> = items
        .iter()
        .enumerate()
        .map(|(index, item)| (Key::from_index(index as u64), Some(item.as_slice())))
        .collect();
    changes.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    root_hash(&update(&None, &changes, encoder), encoder)
}

#[cfg(test)]
mod tests;
