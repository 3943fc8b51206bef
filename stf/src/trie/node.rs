//! Nodes of the trie and their encoding.

use super::Key;
use crate::keccak::keccak256;
use crate::recorder::Touched;
use alloc::{rc::Rc, vec::Vec};
use core::cell::Cell;
use revm::primitives::{b256, B256};

/// Root of an empty trie: `keccak256(rlp(""))`.
pub const EMPTY_ROOT: B256 =
    b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/// A trie: nothing, or its topmost node.
pub type Root<V> = Option<Rc<Node<V>>>;

/// What a trie stores: cheap to clone, and with one encoding.
pub trait Value: Clone {
    /// Appends the bytes that the leaf holds.
    fn encode_value(&self, out: &mut Vec<u8>);
}

impl Value for &[u8] {
    fn encode_value(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

/// How a parent names a node: its hash, or its whole encoding if shorter than 32 bytes.
///
/// Aligned, so that a 32-bit machine copies it by words.
#[derive(Clone, Copy, Debug)]
#[repr(align(4))]
pub struct Reference {
    bytes: [u8; 32],
    length: u8,
}

impl Reference {
    /// Of a node with this hash.
    pub fn of_hash(hash: &B256) -> Self {
        Self {
            bytes: hash.0,
            length: 32,
        }
    }

    /// Of a node with this encoding.
    pub fn of(encoding: &[u8]) -> Self {
        if encoding.len() >= 32 {
            return Self {
                bytes: keccak256(encoding).0,
                length: 32,
            };
        }
        let mut bytes = [0; 32];
        bytes[..encoding.len()].copy_from_slice(encoding);
        Self {
            bytes,
            length: encoding.len() as u8,
        }
    }

    /// True if the node has an encoding of its own, false if it lives inside its parent.
    pub fn is_hash(&self) -> bool {
        self.length == 32
    }

    /// The hash, unless the node lives inside its parent.
    pub fn hash(&self) -> Option<B256> {
        self.is_hash().then(|| B256::from(self.bytes))
    }

    fn encoded_length(&self) -> usize {
        self.length as usize + usize::from(self.is_hash())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        if self.is_hash() {
            out.push(0x80 + 32);
        }
        out.extend_from_slice(&self.bytes[..self.length as usize]);
    }
}

/// One node. Paths are kept as whole keys plus positions, so that moving a node up or down the
/// trie changes only its reference.
#[derive(Debug)]
pub enum Node<V> {
    Leaf {
        key: Key,
        value: V,
        reference: Reference,
    },
    /// Shares the nibbles of `key` from where its parent ends up to `end`.
    Extension {
        key: Key,
        end: u8,
        child: Rc<Node<V>>,
        reference: Reference,
    },
    Branch {
        children: [Root<V>; 16],
        reference: Reference,
        /// The last execution that came by.
        seen_by: Cell<u32>,
    },
    /// Known by its hash only, since a witness does not hold it.
    Unresolved { reference: Reference },
}

/// An operation needs a node that is [`Node::Unresolved`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingNode;

/// Buffers that encoding reuses, and the record of the nodes that updates look into, if one is kept.
#[derive(Default)]
pub struct Encoder {
    node: Vec<u8>,
    value: Vec<u8>,
    pub touched: Option<Touched>,
}

impl<V: Value> Node<V> {
    /// A leaf whose parent ends at nibble `depth`.
    pub fn leaf(key: Key, value: V, depth: usize, encoder: &mut Encoder) -> Rc<Self> {
        encoder.encode_leaf(&key, &value, depth);
        let reference = Reference::of(&encoder.node);
        Rc::new(Self::Leaf {
            key,
            value,
            reference,
        })
    }

    /// An extension from nibble `depth` to the branch that starts at `end`.
    pub fn extension(
        key: Key,
        depth: usize,
        end: usize,
        child: Rc<Self>,
        encoder: &mut Encoder,
    ) -> Rc<Self> {
        encoder.encode_extension(&key, depth, end, child.reference());
        let reference = Reference::of(&encoder.node);
        Rc::new(Self::Extension {
            key,
            end: end as u8,
            child,
            reference,
        })
    }

    /// A branch over at least two children.
    pub fn branch(children: [Root<V>; 16], encoder: &mut Encoder) -> Rc<Self> {
        encoder.encode_branch(&children);
        let reference = Reference::of(&encoder.node);
        Rc::new(Self::Branch {
            children,
            reference,
            seen_by: Cell::new(0),
        })
    }

    /// The value, if this is the leaf of `key`.
    pub fn value_at(&self, key: &Key) -> Option<&V> {
        match self {
            Self::Leaf {
                key: own, value, ..
            } => (own == key).then_some(value),
            Self::Extension { .. } | Self::Branch { .. } | Self::Unresolved { .. } => None,
        }
    }

    /// How the parent names this node.
    pub fn reference(&self) -> &Reference {
        match self {
            Self::Leaf { reference, .. }
            | Self::Extension { reference, .. }
            | Self::Branch { reference, .. }
            | Self::Unresolved { reference } => reference,
        }
    }

    /// Encoding of this node where its parent ends at nibble `depth`; nothing if it is unresolved.
    pub fn encoding<'a>(&self, depth: usize, encoder: &'a mut Encoder) -> &'a [u8] {
        match self {
            Self::Leaf { key, value, .. } => encoder.encode_leaf(key, value, depth),
            Self::Extension {
                key, end, child, ..
            } => {
                encoder.encode_extension(key, depth, *end as usize, child.reference());
            }
            Self::Branch { children, .. } => encoder.encode_branch(children),
            Self::Unresolved { .. } => encoder.node.clear(),
        }
        &encoder.node
    }

    /// Hash of this node as the root of its trie.
    pub fn hash(&self, encoder: &mut Encoder) -> B256 {
        let reference = self.reference();
        if reference.is_hash() {
            B256::from(reference.bytes)
        } else {
            keccak256(self.encoding(0, encoder))
        }
    }
}

impl Encoder {
    /// Notes, where a record is kept, that an update looks into this node.
    pub fn touch<V: Value>(&mut self, node: &Node<V>) {
        if let Some(touched) = &mut self.touched {
            touched.insert(node.reference());
        }
    }

    fn encode_leaf<V: Value>(&mut self, key: &Key, value: &V, depth: usize) {
        let mut path = [0; 33];
        let path_length = key.encode_path(depth, key.len(), true, &mut path);
        self.value.clear();
        value.encode_value(&mut self.value);

        let path = &path[..path_length];
        let payload = string_length(path) + string_length(&self.value);
        self.node.clear();
        write_list_header(payload, &mut self.node);
        write_string(path, &mut self.node);
        write_string(&self.value, &mut self.node);
    }

    fn encode_extension(&mut self, key: &Key, depth: usize, end: usize, child: &Reference) {
        let mut path = [0; 33];
        let path_length = key.encode_path(depth, end, false, &mut path);

        let path = &path[..path_length];
        self.node.clear();
        write_list_header(string_length(path) + child.encoded_length(), &mut self.node);
        write_string(path, &mut self.node);
        child.encode(&mut self.node);
    }

    fn encode_branch<V: Value>(&mut self, children: &[Root<V>; 16]) {
        let length_of = |child: &Root<V>| {
            child
                .as_ref()
                .map_or(1, |node| node.reference().encoded_length())
        };
        let payload = children.iter().map(length_of).sum::<usize>() + 1;
        self.node.clear();
        write_list_header(payload, &mut self.node);
        for child in children {
            match child {
                None => self.node.push(0x80),
                Some(node) => node.reference().encode(&mut self.node),
            }
        }
        self.node.push(0x80);
    }
}

fn string_length(bytes: &[u8]) -> usize {
    let is_single_byte = bytes.len() == 1 && bytes[0] < 0x80;
    if is_single_byte {
        1
    } else {
        bytes.len() + alloy_rlp::length_of_length(bytes.len())
    }
}

fn write_string(bytes: &[u8], out: &mut Vec<u8>) {
    let is_single_byte = bytes.len() == 1 && bytes[0] < 0x80;
    if !is_single_byte {
        alloy_rlp::Header {
            list: false,
            payload_length: bytes.len(),
        }
        .encode(out);
    }
    out.extend_from_slice(bytes);
}

fn write_list_header(payload_length: usize, out: &mut Vec<u8>) {
    alloy_rlp::Header {
        list: true,
        payload_length,
    }
    .encode(out);
}
