//! A witness as bytes: little-endian, every part aligned to four bytes.
//!
//! ```text
//! u32 "BRW1" | u32 is_base_fee_zero | u64 chain id | u64 L1 chain id
//! five accumulators of 32 bytes: block data, deposits, inbound, certificates, outbox
//! four lists: headers (the parent last), blocks, codes, nodes
//! list: u32 count, then each item: u32 length, bytes, zeros up to a multiple of four
//! ```

use super::statement::Accumulators;
use revm::primitives::B256;

const MAGIC: u32 = u32::from_le_bytes(*b"BRW1");
const HASH_BYTES: usize = 32;

/// The bytes are no witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadWitness;

/// A witness whose layout is right; its content is not checked yet.
#[derive(Debug)]
pub struct Witness<'a> {
    pub chain_id: u64,
    pub l1_chain_id: u64,
    pub is_base_fee_zero: bool,
    pub before: Accumulators,
    pub headers: Items<'a>,
    pub blocks: Items<'a>,
    pub codes: Items<'a>,
    pub nodes: Items<'a>,
}

impl<'a> Witness<'a> {
    /// Decodes a witness that takes up all of `encoded`.
    pub fn decode(encoded: &'a [u8]) -> Result<Self, BadWitness> {
        let mut reader = Reader { rest: encoded };
        if reader.word()? != MAGIC {
            return Err(BadWitness);
        }
        let is_base_fee_zero = match reader.word()? {
            0 => false,
            1 => true,
            _ => return Err(BadWitness),
        };
        let witness = Self {
            is_base_fee_zero,
            chain_id: reader.double_word()?,
            l1_chain_id: reader.double_word()?,
            before: Accumulators {
                block_data: reader.hash()?,
                deposits: reader.hash()?,
                inbound: reader.hash()?,
                certificates: reader.hash()?,
                outbox: reader.hash()?,
            },
            headers: reader.list()?,
            blocks: reader.list()?,
            codes: reader.list()?,
            nodes: reader.list()?,
        };
        if reader.rest.is_empty() {
            Ok(witness)
        } else {
            Err(BadWitness)
        }
    }
}

/// The items of one list, whose layout has been checked.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    count: u32,
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.count = self.count.checked_sub(1)?;
        let mut reader = Reader { rest: self.rest };
        let item = reader.item().ok()?;
        self.rest = reader.rest;
        Some(item)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], BadWitness> {
        if length > self.rest.len() {
            return Err(BadWitness);
        }
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(taken)
    }

    fn word(&mut self) -> Result<u32, BadWitness> {
        let bytes = self.take(4)?.try_into().map_err(|_| BadWitness)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn double_word(&mut self) -> Result<u64, BadWitness> {
        let bytes = self.take(8)?.try_into().map_err(|_| BadWitness)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn hash(&mut self) -> Result<B256, BadWitness> {
        Ok(B256::from_slice(self.take(HASH_BYTES)?))
    }

    fn item(&mut self) -> Result<&'a [u8], BadWitness> {
        let length = usize::try_from(self.word()?).map_err(|_| BadWitness)?;
        let item = self.take(length)?;
        let padding = self.take(length.wrapping_neg() % 4)?;
        if padding.iter().all(|&byte| byte == 0) {
            Ok(item)
        } else {
            Err(BadWitness)
        }
    }

    fn list(&mut self) -> Result<Items<'a>, BadWitness> {
        let count = self.word()?;
        let rest = self.rest;
        for _ in 0..count {
            self.item()?;
        }
        Ok(Items { count, rest })
    }
}
