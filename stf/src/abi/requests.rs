//! Requests from the host.

use super::messagepack::{MalformedRequest, Reader};
use crate::block::{BlockInput, SystemTransaction};
use crate::call::Call;
use crate::chain::{fork_named, BlockContext, ChainRules};
use crate::loader::FullAccount;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use revm::primitives::{Bytes, B256};

type Read<T> = Result<T, MalformedRequest>;

/// `[fork, chain_id, initial_base_fee, is_base_fee_zero, is_metered]`.
pub fn rules(reader: &mut Reader<'_>) -> Read<ChainRules> {
    reader.tuple(5)?;
    Ok(ChainRules {
        fork: fork_named(reader.text()?).ok_or(MalformedRequest)?,
        chain_id: reader.unsigned()?,
        initial_base_fee: reader.unsigned()?,
        is_base_fee_zero: reader.boolean()?,
        is_metered: reader.boolean()?,
    })
}

/// `[[address, nonce, balance, code, [[slot, value], ...]], ...]`.
pub fn accounts(reader: &mut Reader<'_>) -> Read<Vec<FullAccount>> {
    reader.list(|reader| {
        reader.tuple(5)?;
        Ok(FullAccount {
            address: reader.address()?,
            nonce: reader.unsigned()?,
            balance: reader.wide()?,
            code: reader.owned_bytes()?,
            storage: reader.list(|reader| {
                reader.tuple(2)?;
                Ok((reader.wide()?, reader.wide()?))
            })?,
        })
    })
}

/// `[[number, hash], ...]`.
pub fn block_hashes(reader: &mut Reader<'_>) -> Read<BTreeMap<u64, B256>> {
    let hashes = reader.list(|reader| {
        reader.tuple(2)?;
        Ok((reader.unsigned()?, reader.hash()?))
    })?;
    Ok(hashes.into_iter().collect())
}

/// `[number, timestamp, prev_randao, coinbase, gas_limit, system transactions, transactions,
/// senders]`.
pub fn block<'a>(reader: &mut Reader<'a>) -> Read<BlockInput<'a>> {
    reader.tuple(8)?;
    let number = reader.unsigned()?;
    let timestamp_seconds = reader.unsigned()?;
    let prev_randao = reader.hash()?;
    let coinbase = reader.address()?;
    let gas_limit = reader.unsigned()?;
    let system_transactions = reader.list(|reader| {
        reader.tuple(4)?;
        Ok(SystemTransaction {
            nonce: reader.unsigned()?,
            to: reader.address()?,
            gas_limit: reader.unsigned()?,
            data: reader.owned_bytes()?,
        })
    })?;
    let transactions = reader.list(Reader::bytes)?;
    let senders = reader.list(|reader| reader.optional(Reader::address))?;
    if senders.len() != transactions.len() {
        return Err(MalformedRequest);
    }
    Ok(BlockInput {
        number,
        timestamp_seconds,
        prev_randao,
        coinbase,
        gas_limit,
        system_transactions,
        transactions: transactions.into_iter().zip(senders).collect(),
    })
}

/// `[sender, to, data, value, gas_limit, gas_price]`.
pub fn call(reader: &mut Reader<'_>) -> Read<Call> {
    reader.tuple(6)?;
    Ok(Call {
        sender: reader.address()?,
        to: reader.optional(Reader::address)?,
        data: reader.owned_bytes()?,
        value: reader.wide()?,
        gas_limit: reader.optional(Reader::unsigned)?,
        gas_price: u128::try_from(reader.wide()?).map_err(|_| MalformedRequest)?,
    })
}

/// A state test: `[rules, context, accounts, transaction]`.
pub struct FixtureRequest {
    pub rules: ChainRules,
    pub context: BlockContext,
    pub accounts: Vec<FullAccount>,
    pub transaction: Bytes,
}

pub fn fixture(reader: &mut Reader<'_>) -> Read<FixtureRequest> {
    reader.tuple(4)?;
    Ok(FixtureRequest {
        rules: rules(reader)?,
        context: context(reader)?,
        accounts: accounts(reader)?,
        transaction: reader.owned_bytes()?,
    })
}

/// `[number, timestamp, prev_randao, coinbase, gas_limit, base_fee, excess_blob_gas]`.
fn context(reader: &mut Reader<'_>) -> Read<BlockContext> {
    reader.tuple(7)?;
    Ok(BlockContext {
        number: reader.unsigned()?,
        timestamp_seconds: reader.unsigned()?,
        prev_randao: reader.hash()?,
        coinbase: reader.address()?,
        gas_limit: reader.unsigned()?,
        base_fee: reader.unsigned()?,
        excess_blob_gas: reader.unsigned()?,
    })
}
