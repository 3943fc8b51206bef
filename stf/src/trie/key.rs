//! Keys of a trie: up to 32 bytes, read nibble by nibble.

use revm::primitives::B256;

/// A trie key. Keys of one trie must be prefix-free, which fixed-length hashes and `rlp(index)` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    bytes: [u8; 32],
    /// Length in nibbles.
    length: u8,
}

impl Key {
    /// Key of a hashed address or slot.
    pub fn from_hash(hash: &B256) -> Self {
        Self {
            bytes: hash.0,
            length: 64,
        }
    }

    /// Key `rlp(index)` of the transaction and receipt tries.
    pub fn from_index(index: u64) -> Self {
        let encoded = alloy_rlp::encode(index);
        let mut bytes = [0; 32];
        bytes[..encoded.len()].copy_from_slice(&encoded);
        Self {
            bytes,
            length: 2 * encoded.len() as u8,
        }
    }

    /// Length in nibbles.
    pub fn len(&self) -> usize {
        self.length as usize
    }

    /// Nibble at `position`, 0 being the highest of the first byte.
    pub fn nibble(&self, position: usize) -> usize {
        let byte = self.bytes[position / 2];
        usize::from(if position % 2 == 0 {
            byte >> 4
        } else {
            byte & 15
        })
    }

    /// Position of the first nibble at or after `start` in which the two keys differ.
    pub fn common_prefix(&self, other: &Self, start: usize) -> usize {
        let end = self.len().min(other.len());
        (start..end)
            .find(|&at| self.nibble(at) != other.nibble(at))
            .unwrap_or(end)
    }

    /// Appends the hex-prefix encoding of nibbles `start..end` to `out`.
    pub fn encode_path(
        &self,
        start: usize,
        end: usize,
        is_leaf: bool,
        out: &mut [u8; 33],
    ) -> usize {
        let is_odd = (end - start) % 2 == 1;
        let mut flag = if is_leaf { 0x20 } else { 0 };
        let mut position = start;
        if is_odd {
            flag |= 0x10 | self.nibble(start) as u8;
            position += 1;
        }
        out[0] = flag;
        let mut length = 1;
        while position < end {
            out[length] = (self.nibble(position) << 4 | self.nibble(position + 1)) as u8;
            length += 1;
            position += 2;
        }
        length
    }
}
