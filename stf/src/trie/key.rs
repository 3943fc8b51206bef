//! Keys of a trie: up to 32 bytes, read nibble by nibble.

use revm::primitives::B256;

/// A trie key. Keys of one trie must be prefix-free, which fixed-length hashes and `rlp(index)` are.
///
/// Aligned, so that a 32-bit machine copies it by words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(align(4))]
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

    /// No nibbles yet: where a walk from the root starts.
    pub fn empty() -> Self {
        Self {
            bytes: [0; 32],
            length: 0,
        }
    }

    /// The first `position` nibbles of this key, then `nibble`, then zeros.
    pub fn with_nibble(mut self, position: usize, nibble: usize) -> Self {
        self.set_nibble(position, nibble as u8);
        self.bytes[position / 2 + 1..].fill(0);
        self.length = 64;
        self
    }

    /// The first `start` nibbles of this key, then those of a hex-prefix encoding: the key, where
    /// its nibbles end, and whether it leads to a leaf.
    pub fn extended(mut self, start: usize, hex_prefix: &[u8]) -> Option<(Self, usize, bool)> {
        let (&flag, packed) = hex_prefix.split_first()?;
        let is_odd = flag & 0x10 != 0;
        let is_padding_zero = is_odd || flag & 0x0f == 0;
        if flag & 0xc0 != 0 || !is_padding_zero {
            return None;
        }
        let end = start + 2 * packed.len() + usize::from(is_odd);
        if end > 64 {
            return None;
        }
        let mut position = start;
        if is_odd {
            self.set_nibble(position, flag & 0x0f);
            position += 1;
        }
        if position % 2 == 0 {
            self.bytes[position / 2..position / 2 + packed.len()].copy_from_slice(packed);
        } else {
            for byte in packed {
                self.set_nibble(position, byte >> 4);
                self.set_nibble(position + 1, byte & 0x0f);
                position += 2;
            }
        }
        self.length = 64;
        Some((self, end, flag & 0x20 != 0))
    }

    /// Sets one nibble; the low one of its byte, if this is the high one, becomes zero.
    fn set_nibble(&mut self, position: usize, nibble: u8) {
        let byte = &mut self.bytes[position / 2];
        *byte = if position % 2 == 0 {
            nibble << 4
        } else {
            *byte & 0xf0 | nibble
        };
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
