//! A block as it is posted to L1, and as a witness holds it:
//! `rlp([number, timestamp, prev_randao, coinbase, gas_limit, system transactions, transactions,
//! hashes of the checkpoint certificates that it consumes])`.

use crate::block::{BlockInput, SystemTransaction, SYSTEM_TRANSACTION_TYPE};
use crate::trie::{BadNode, RlpItems};
use alloc::vec::Vec;
use alloy_rlp::Decodable;
use revm::primitives::{Bytes, B256};

/// The bytes are no block's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadBlockData;

impl From<BadNode> for BadBlockData {
    fn from(_: BadNode) -> Self {
        Self
    }
}

/// One block's data.
#[derive(Debug)]
pub struct BlockData<'a> {
    pub input: BlockInput<'a>,
    pub certificates: Vec<B256>,
}

impl<'a> BlockData<'a> {
    pub fn decode(encoded: &'a [u8]) -> Result<Self, BadBlockData> {
        let mut fields = RlpItems::of_list(encoded)?;
        let input = BlockInput {
            number: field(&mut fields)?,
            timestamp_seconds: field(&mut fields)?,
            prev_randao: field(&mut fields)?,
            coinbase: field(&mut fields)?,
            gas_limit: field(&mut fields)?,
            system_transactions: strings(&mut fields, decode_system_transaction)?,
            // Senders are recovered: a witness has no say in them.
            transactions: strings(&mut fields, |raw| Ok((raw, None)))?,
        };
        let certificates = strings(&mut fields, |hash| {
            B256::try_from(hash).map_err(|_| BadBlockData)
        })?;
        if !fields.is_empty() {
            return Err(BadBlockData);
        }
        Ok(Self {
            input,
            certificates,
        })
    }
}

fn field<T: Decodable>(fields: &mut RlpItems<'_>) -> Result<T, BadBlockData> {
    let mut encoded = fields.next()?.encoded;
    let value = T::decode(&mut encoded).map_err(|_| BadBlockData)?;
    if encoded.is_empty() {
        Ok(value)
    } else {
        Err(BadBlockData)
    }
}

fn strings<'a, T>(
    fields: &mut RlpItems<'a>,
    decode: impl Fn(&'a [u8]) -> Result<T, BadBlockData>,
) -> Result<Vec<T>, BadBlockData> {
    let mut items = RlpItems::of_list(fields.next()?.encoded)?;
    let mut decoded = Vec::new();
    while !items.is_empty() {
        let item = items.next()?;
        if item.is_list {
            return Err(BadBlockData);
        }
        decoded.push(decode(item.payload)?);
    }
    Ok(decoded)
}

fn decode_system_transaction(raw: &[u8]) -> Result<SystemTransaction, BadBlockData> {
    let (&kind, body) = raw.split_first().ok_or(BadBlockData)?;
    if kind != SYSTEM_TRANSACTION_TYPE {
        return Err(BadBlockData);
    }
    let mut fields = RlpItems::of_list(body)?;
    let transaction = SystemTransaction {
        nonce: field(&mut fields)?,
        to: field(&mut fields)?,
        gas_limit: field(&mut fields)?,
        data: field::<Bytes>(&mut fields)?,
    };
    if fields.is_empty() {
        Ok(transaction)
    } else {
        Err(BadBlockData)
    }
}
