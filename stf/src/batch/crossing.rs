//! What crosses the border of the chain in a batch, counted from what was executed.

use super::events::{
    delivered_message, granted_mints, granted_value, is_message_delivered, returned_value,
    sent_message, BadEvent, PORTAL,
};
use super::statement::{chain_hash, Accumulators, RoundTotals};
use crate::block::SystemTransaction;
use crate::keccak::keccak256;
use crate::receipt::Receipt;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use revm::primitives::{Address, B256, U256};

/// Asset of the inflow totals that stands for ETH.
const ETH: Address = Address::ZERO;

/// Sums over the blocks of a batch.
#[derive(Debug, Default)]
pub struct Totals {
    pub inflows: BTreeMap<Address, U256>,
    pub rounds: BTreeMap<U256, RoundTotals>,
}

/// Counts one block; `receipts` are those of `system_transactions`, then those of the users.
pub fn count_block(
    chain_id: u64,
    l1_chain_id: u64,
    system_transactions: &[SystemTransaction],
    receipts: &[Receipt],
    accumulators: &mut Accumulators,
    totals: &mut Totals,
) -> Result<(), BadEvent> {
    for (transaction, receipt) in system_transactions.iter().zip(receipts) {
        if transaction.to == PORTAL && receipt.is_success {
            count_delivery(l1_chain_id, transaction, receipt, accumulators, totals)?;
        }
    }

    let mut sent = Vec::new();
    for log in receipts.iter().flat_map(|receipt| &receipt.logs) {
        if let Some(message) = sent_message(log, chain_id)? {
            sent.push(hash_leaf(&message.leaf()));
        }
        if let Some((round, mints)) = granted_mints(log)? {
            add(&mut totals.rounds.entry(round).or_default().mints, mints)?;
        }
        if let Some((round, value)) = granted_value(log)? {
            add(&mut totals.rounds.entry(round).or_default().value, value)?;
        }
    }
    if !sent.is_empty() {
        accumulators.outbox = chain_hash(&accumulators.outbox, &merkle_root(&sent));
    }
    Ok(())
}

fn count_delivery(
    l1_chain_id: u64,
    transaction: &SystemTransaction,
    receipt: &Receipt,
    accumulators: &mut Accumulators,
    totals: &mut Totals,
) -> Result<(), BadEvent> {
    let Some(message) = delivered_message(&transaction.data)? else {
        return Ok(());
    };
    let queue = if message.source_chain_id == l1_chain_id {
        &mut accumulators.deposits
    } else {
        &mut accumulators.inbound
    };
    *queue = chain_hash(queue, &keccak256(message.leaf()));

    for log in &receipt.logs {
        let mut inflow = returned_value(log)?.unwrap_or_default();
        if is_message_delivered(log)? {
            inflow = message.value;
        }
        if !inflow.is_zero() {
            add(totals.inflows.entry(ETH).or_default(), inflow)?;
        }
    }
    Ok(())
}

fn add(total: &mut U256, amount: U256) -> Result<(), BadEvent> {
    *total = total.checked_add(amount).ok_or(BadEvent)?;
    Ok(())
}

fn hash_leaf(leaf: &[u8]) -> B256 {
    let mut prefixed = Vec::with_capacity(leaf.len() + 1);
    prefixed.push(0);
    prefixed.extend_from_slice(leaf);
    keccak256(prefixed)
}

/// Root of a tree over at least one hashed leaf, as RFC 6962 builds it, over keccak-256.
fn merkle_root(hashes: &[B256]) -> B256 {
    if let [only] = hashes {
        return *only;
    }
    let (left, right) = hashes.split_at(hashes.len().next_power_of_two() / 2);
    let mut node = [1; 65];
    node[1..33].copy_from_slice(merkle_root(left).as_slice());
    node[33..].copy_from_slice(merkle_root(right).as_slice());
    keccak256(node)
}
