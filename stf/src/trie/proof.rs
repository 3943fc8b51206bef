//! Merkle proofs (EIP-1186).

use super::node::{Encoder, Node, Root, Value};
use super::Key;
use alloc::vec::Vec;

/// Encodings of the nodes from the root towards `key`, as far as they exist.
///
/// They prove the value at `key`, or that there is none. A node that is embedded in its parent
/// has no entry of its own.
pub fn prove<V: Value>(root: &Root<V>, key: &Key, encoder: &mut Encoder) -> Vec<Vec<u8>> {
    let mut nodes = Vec::new();
    let mut next = root.as_deref();
    let mut depth = 0;
    while let Some(node) = next.filter(|node| !matches!(node, Node::Unresolved { .. })) {
        let has_own_encoding = depth == 0 || node.reference().is_hash();
        if has_own_encoding {
            nodes.push(node.encoding(depth, encoder).to_vec());
        }
        next = match node {
            Node::Leaf { .. } | Node::Unresolved { .. } => None,
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
        };
    }
    nodes
}
