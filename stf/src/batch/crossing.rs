//! What crosses the border of the chain in a batch, counted from what was executed.

use super::events::{
    delivered_message, granted_mints, granted_value, is_message_delivered, returned_value,
    sent_message, BadEvent, Message, FORCED_TRANSACTION, PORTAL,
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

/// Counts one block, and gives the raw transactions that L1 forces into it.
///
/// `receipts` are those of `system_transactions`, then those of the users.
pub fn count_block(
    chain_id: u64,
    l1_chain_id: u64,
    system_transactions: &[SystemTransaction],
    receipts: &[Receipt],
    accumulators: &mut Accumulators,
    totals: &mut Totals,
) -> Result<Vec<Vec<u8>>, BadEvent> {
    let mut forced = Vec::new();
    for (transaction, receipt) in system_transactions.iter().zip(receipts) {
        let is_taken = transaction.to == PORTAL && receipt.is_success;
        let delivered = match is_taken {
            true => delivered_message(&transaction.data)?,
            false => None,
        };
        let Some(message) = delivered else { continue };
        if message.source_chain_id == l1_chain_id {
            accumulators.deposits = chain_hash(&accumulators.deposits, &leaf_hash(&message));
            if message.target == FORCED_TRANSACTION {
                forced.push(message.data);
            }
        } else {
            accumulators.inbound = chain_hash(&accumulators.inbound, &leaf_hash(&message));
            count_inflow(&message, receipt, totals)?;
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
    Ok(forced)
}

/// Counts what a message of the fast chain brought in. What L1 brings is bounded by L1.
fn count_inflow(message: &Message, receipt: &Receipt, totals: &mut Totals) -> Result<(), BadEvent> {
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

fn leaf_hash(message: &Message) -> B256 {
    keccak256(message.leaf())
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
