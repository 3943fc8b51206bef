//! Partial tries: decoding the nodes that a witness holds, each checked against its parent.
//!
//! A witness lists nodes in the order of a walk from the root, parents first, children by their
//! nibbles, a value's own trie right after its leaf. So the next node of the list is either the
//! one that the walk has come to, which its hash decides, or a later one, and then the one that
//! the walk has come to stays unresolved. No index, no node checked twice, none left over.

use super::node::{Node, Reference, Root, Value};
use super::{Key, EMPTY_ROOT};
use crate::keccak::keccak256;
use alloc::rc::Rc;
use core::cell::Cell;
use revm::primitives::B256;

/// The bytes are no node of this trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadNode;

/// The nodes of a witness, in order.
pub struct NodeSource<'a, I: Iterator<Item = &'a [u8]>> {
    nodes: I,
    /// The next node with its hash.
    next: Option<(&'a [u8], B256)>,
}

impl<'a, I: Iterator<Item = &'a [u8]>> NodeSource<'a, I> {
    pub fn new(nodes: I) -> Self {
        let mut source = Self { nodes, next: None };
        source.advance();
        source
    }

    fn advance(&mut self) {
        self.next = self.nodes.next().map(|node| (node, keccak256(node)));
    }

    /// The next node, if it has this hash.
    fn take(&mut self, hash: &B256) -> Option<&'a [u8]> {
        let (node, _) = self.next.filter(|(_, next_hash)| next_hash == hash)?;
        self.advance();
        Some(node)
    }

    /// True if no node is left.
    pub fn is_finished(&self) -> bool {
        self.next.is_none()
    }
}

/// A value that a leaf of a witness can hold.
pub trait DecodeValue: Value {
    fn decode_value<'a, I: Iterator<Item = &'a [u8]>>(
        encoded: &[u8],
        source: &mut NodeSource<'a, I>,
    ) -> Result<Self, BadNode>;
}

/// The trie with this root hash, as far as the source has its nodes.
pub fn resolve<'a, V: DecodeValue, I: Iterator<Item = &'a [u8]>>(
    root_hash: &B256,
    source: &mut NodeSource<'a, I>,
) -> Result<Root<V>, BadNode> {
    if *root_hash == EMPTY_ROOT {
        return Ok(None);
    }
    let root = match source.take(root_hash) {
        None => Rc::new(Node::Unresolved {
            reference: Reference::of_hash(root_hash),
        }),
        // Only the root is named by its hash however short it is.
        Some(encoded) if encoded.len() < 32 => {
            decode_node(encoded, Reference::of(encoded), Key::empty(), 0, source)?
        }
        Some(encoded) => {
            let reference = Reference::of_hash(root_hash);
            decode_node(encoded, reference, Key::empty(), 0, source)?
        }
    };
    Ok(Some(root))
}

/// The node that an item of its parent names: by hash, or embedded.
fn decode_child<'a, V: DecodeValue, I: Iterator<Item = &'a [u8]>>(
    item: RlpItem<'_>,
    path: Key,
    depth: usize,
    source: &mut NodeSource<'a, I>,
) -> Result<Rc<Node<V>>, BadNode> {
    if item.is_list {
        if item.encoded.len() >= 32 {
            return Err(BadNode);
        }
        let reference = Reference::of(item.encoded);
        return decode_node(item.encoded, reference, path, depth, source);
    }
    let hash = B256::try_from(item.payload).map_err(|_| BadNode)?;
    let reference = Reference::of_hash(&hash);
    match source.take(&hash) {
        None => Ok(Rc::new(Node::Unresolved { reference })),
        Some(encoded) if encoded.len() < 32 => Err(BadNode),
        Some(encoded) => decode_node(encoded, reference, path, depth, source),
    }
}

/// The node that starts at nibble `depth`, where the nibbles of `path` lead.
fn decode_node<'a, V: DecodeValue, I: Iterator<Item = &'a [u8]>>(
    encoded: &[u8],
    reference: Reference,
    path: Key,
    depth: usize,
    source: &mut NodeSource<'a, I>,
) -> Result<Rc<Node<V>>, BadNode> {
    let mut items = RlpItems::of_list(encoded)?;
    let first = items.next()?;
    let second = items.next()?;
    if items.is_empty() {
        return decode_short(first, second, reference, path, depth, source);
    }
    if depth >= 64 {
        return Err(BadNode);
    }

    let mut children: [Root<V>; 16] = Default::default();
    let mut item = first;
    for nibble in 0..16 {
        if !item.is_absent() {
            let child_path = path.with_nibble(depth, nibble);
            children[nibble] = Some(decode_child(item, child_path, depth + 1, source)?);
        }
        item = if nibble == 0 { second } else { items.next()? };
    }
    // Keys have one length, so no branch has a value.
    let has_children = children.iter().flatten().nth(1).is_some();
    if !item.is_absent() || !items.is_empty() || !has_children {
        return Err(BadNode);
    }
    Ok(Rc::new(Node::Branch {
        children,
        reference,
        seen_by: Cell::new(0),
    }))
}

/// A leaf or an extension.
fn decode_short<'a, V: DecodeValue, I: Iterator<Item = &'a [u8]>>(
    path_item: RlpItem<'_>,
    item: RlpItem<'_>,
    reference: Reference,
    path: Key,
    depth: usize,
    source: &mut NodeSource<'a, I>,
) -> Result<Rc<Node<V>>, BadNode> {
    if path_item.is_list {
        return Err(BadNode);
    }
    let (key, end, is_leaf) = path.extended(depth, path_item.payload).ok_or(BadNode)?;
    if is_leaf {
        if end != 64 || item.is_list {
            return Err(BadNode);
        }
        let value = V::decode_value(item.payload, source)?;
        return Ok(Rc::new(Node::Leaf {
            key,
            value,
            reference,
        }));
    }
    if end == depth || end >= 64 {
        return Err(BadNode);
    }
    let child = decode_child(item, key, end, source)?;
    if !matches!(*child, Node::Branch { .. } | Node::Unresolved { .. }) {
        return Err(BadNode);
    }
    Ok(Rc::new(Node::Extension {
        key,
        end: end as u8,
        child,
        reference,
    }))
}

/// One item of an RLP list.
#[derive(Clone, Copy)]
pub struct RlpItem<'a> {
    pub is_list: bool,
    pub payload: &'a [u8],
    /// Header and payload.
    pub encoded: &'a [u8],
}

impl RlpItem<'_> {
    fn is_absent(&self) -> bool {
        !self.is_list && self.payload.is_empty()
    }
}

/// Reads the items of one RLP list; only canonical encodings are taken.
pub struct RlpItems<'a> {
    rest: &'a [u8],
}

impl<'a> RlpItems<'a> {
    /// The items of the list that takes up all of `encoded`.
    pub fn of_list(encoded: &'a [u8]) -> Result<Self, BadNode> {
        let mut outer = Self { rest: encoded };
        let list = outer.next()?;
        if !list.is_list || !outer.is_empty() {
            return Err(BadNode);
        }
        Ok(Self { rest: list.payload })
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn next(&mut self) -> Result<RlpItem<'a>, BadNode> {
        let encoded = self.rest;
        let first = *encoded.first().ok_or(BadNode)?;
        let header_length = match first {
            0..=0x7f => 0,
            0x80..=0xb7 | 0xc0..=0xf7 => 1,
            0xb8..=0xbf => usize::from(first - 0xb7) + 1,
            0xf8..=0xff => usize::from(first - 0xf7) + 1,
        };
        let length = match header_length {
            0 => 1,
            1 => usize::from(first - if first < 0xc0 { 0x80 } else { 0xc0 }),
            _ => long_length(encoded.get(1..header_length).ok_or(BadNode)?)?,
        };
        let end = header_length.checked_add(length).ok_or(BadNode)?;
        let payload = encoded.get(header_length..end).ok_or(BadNode)?;
        if first == 0x81 && payload[0] < 0x80 {
            return Err(BadNode);
        }
        let (encoded, rest) = encoded.split_at(end);
        self.rest = rest;
        Ok(RlpItem {
            is_list: first >= 0xc0,
            payload,
            encoded,
        })
    }
}

/// A length of its own bytes: at least 56, without leading zeros.
fn long_length(bytes: &[u8]) -> Result<usize, BadNode> {
    if bytes.first() == Some(&0) || bytes.len() > 4 {
        return Err(BadNode);
    }
    let length = bytes
        .iter()
        .fold(0u32, |length, &byte| length << 8 | u32::from(byte));
    if length < 56 {
        return Err(BadNode);
    }
    usize::try_from(length).map_err(|_| BadNode)
}
