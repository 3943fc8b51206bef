//! Responses to the host.

use super::messagepack::Writer;
use crate::call::CallOutcome;
use crate::engine::{BlockOutput, RetainedBlock};
use crate::fixture::FixtureOutcome;
use crate::receipt::Receipt;
use crate::state::{Account, AccountDelta};
use alloc::rc::Rc;
use revm::primitives::{hardfork::SpecId, Address, Log, U256};

/// `[hash, header, state root, transactions root, receipts root, bloom, gas used, base fee,
/// included, receipts, skipped, changes, proving costs of the receipts]`.
pub fn block(out: &mut Writer, block: &BlockOutput) {
    let header = &block.header;
    out.array(13);
    out.byte_string(block.hash.as_slice());
    out.byte_string(&block.header_rlp);
    out.byte_string(header.state_root.as_slice());
    out.byte_string(header.transactions_root.as_slice());
    out.byte_string(header.receipts_root.as_slice());
    out.byte_string(header.logs_bloom.as_slice());
    out.unsigned(header.gas_used);
    out.unsigned(header.base_fee);
    out.list(&block.included, |out, raw| out.byte_string(raw));
    out.list(&block.receipts, receipt);
    out.list(&block.skipped, |out, (index, reason)| {
        out.array(2);
        out.unsigned(u64::from(*index));
        out.text(reason.name());
    });
    out.list(&block.deltas, change);
    out.list(&block.proving_costs, |out, cost| out.unsigned(*cost as u64));
}

fn receipt(out: &mut Writer, receipt: &Receipt) {
    out.array(11);
    out.byte_string(receipt.transaction_hash.as_slice());
    out.unsigned(u64::from(receipt.transaction_type));
    out.byte_string(receipt.sender.as_slice());
    address(out, receipt.to);
    out.boolean(receipt.is_success);
    out.unsigned(receipt.gas_used);
    out.unsigned(receipt.cumulative_gas_used);
    out.wide(U256::from(receipt.effective_gas_price));
    address(out, receipt.contract_address);
    out.list(&receipt.logs, log);
    out.byte_string(&receipt.output);
}

fn log(out: &mut Writer, log: &Log) {
    out.array(3);
    out.byte_string(log.address.as_slice());
    out.list(log.data.topics(), |out, topic| {
        out.byte_string(topic.as_slice())
    });
    out.byte_string(&log.data.data);
}

fn address(out: &mut Writer, address: Option<Address>) {
    out.optional(address, |out, address| out.byte_string(address.as_slice()));
}

fn change(out: &mut Writer, delta: &AccountDelta<Rc<Account>>) {
    out.array(7);
    out.byte_string(delta.address.as_slice());
    out.boolean(delta.after.is_none());
    out.unsigned(delta.after.map_or(0, |fields| fields.nonce));
    out.wide(delta.after.map_or(U256::ZERO, |fields| fields.balance));
    out.optional(delta.code.as_ref(), |out, code| {
        out.byte_string(code.original_byte_slice());
    });
    out.boolean(delta.is_storage_wiped);
    out.list(&delta.storage, |out, (slot, value)| {
        out.array(2);
        out.wide(*slot);
        out.wide(*value);
    });
}

/// `[is_success, output, gas_used, halt_reason]`.
pub fn call(out: &mut Writer, outcome: &CallOutcome) {
    out.array(4);
    out.boolean(outcome.is_success);
    out.byte_string(&outcome.output);
    out.unsigned(outcome.gas_used);
    out.optional(outcome.halt_reason.as_deref(), Writer::text);
}

/// `[nonce, balance, code_hash]`, or nil where there is no account.
pub fn account_fields(out: &mut Writer, account: Option<&Rc<Account>>) {
    out.optional(account, |out, account| {
        out.array(3);
        out.unsigned(account.fields.nonce);
        out.wide(account.fields.balance);
        out.byte_string(account.fields.code_hash.as_slice());
    });
}

/// `[state_root, logs_hash, skip_reason]`.
pub fn fixture(out: &mut Writer, outcome: &FixtureOutcome) {
    out.array(3);
    out.byte_string(outcome.state_root.as_slice());
    out.byte_string(outcome.logs_hash.as_slice());
    out.optional(outcome.skip_reason, |out, reason| out.text(reason.name()));
}

/// `[number, hash, header, finalized_number]`.
pub fn head(out: &mut Writer, head: &RetainedBlock, finalized_number: u64, fork: SpecId) {
    out.array(4);
    out.unsigned(head.header.number);
    out.byte_string(head.hash.as_slice());
    out.byte_string(&head.header.encode(fork));
    out.unsigned(finalized_number);
}
