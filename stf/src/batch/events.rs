//! The calls and events of the predeploys that a statement counts, in Ethereum's ABI.
//!
//! `contracts/src` declares them; a test compares the constants here with the compiled contracts.

use alloc::vec::Vec;
use revm::primitives::{address, b256, Address, Log, B256, U256};

/// `Portal`, on both chains.
pub const PORTAL: Address = address!("4200000000000000000000000000000000000001");
/// `RoundGuard`, on the ZK chain.
pub const ROUND_GUARD: Address = address!("4200000000000000000000000000000000000002");

/// Target of the entries of L1's queue whose data are a transaction of the ZK chain.
pub const FORCED_TRANSACTION: Address = address!("4200000000000000000000000000000000000005");

/// `deliver(uint256,uint256,address,address,uint256,uint256,bytes)`.
const DELIVER: [u8; 4] = [0xc2, 0x4c, 0x38, 0x98];
/// `MessageSent(uint256,address,address,uint256,uint256,bytes)`.
const MESSAGE_SENT: B256 =
    b256!("db1a5150f54c2e0a83af165b537e1d6eb4f65b9c3bd9f35c2851073e641c5288");
/// `MessageDelivered(uint256)`.
const MESSAGE_DELIVERED: B256 =
    b256!("8dd060cfba57ec5d0b1526db8c8dcc4e695f25a2db9642855daba1d71d8a0858");
/// `ValueReturned(uint256,address,uint256,bool)`.
const VALUE_RETURNED: B256 =
    b256!("bb6d1a0056b74459a3a33633a7dd8098cc4d0e948564712b2996974dbfc5ac9c");
/// `Reported(uint256,uint256,uint256)`.
const REPORTED: B256 = b256!("4229c473bc7b232472389f581f258012ee8d5d83be43bf9e2fba8ed310f22313");
/// `PaidOut(uint256,uint256,uint256)`.
const PAID_OUT: B256 = b256!("8186a6359b6fe02010cede4fd9ca1706469d70d976ee2e96e5d92a5abe1fc09f");

/// A predeploy's call or log does not have the form that its contract gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEvent;

/// A message between the chains.
#[derive(Debug)]
pub struct Message {
    pub source_chain_id: u64,
    pub nonce: u64,
    pub sender: Address,
    pub target: Address,
    pub value: U256,
    pub gas_limit: u64,
    pub data: Vec<u8>,
}

impl Message {
    /// The leaf of outboxes: all fields one after the other, the data last.
    pub fn leaf(&self) -> Vec<u8> {
        let mut leaf = Vec::with_capacity(96 + self.data.len());
        leaf.extend_from_slice(&self.source_chain_id.to_be_bytes());
        leaf.extend_from_slice(&self.nonce.to_be_bytes());
        leaf.extend_from_slice(self.sender.as_slice());
        leaf.extend_from_slice(self.target.as_slice());
        leaf.extend_from_slice(&self.value.to_be_bytes::<32>());
        leaf.extend_from_slice(&self.gas_limit.to_be_bytes());
        leaf.extend_from_slice(&self.data);
        leaf
    }
}

/// The message that a call of the Portal delivers; `None` for its other functions.
pub fn delivered_message(call_data: &[u8]) -> Result<Option<Message>, BadEvent> {
    let Some(arguments) = call_data.strip_prefix(&DELIVER) else {
        return Ok(None);
    };
    Ok(Some(Message {
        source_chain_id: small(word(arguments, 0)?)?,
        nonce: small(word(arguments, 1)?)?,
        sender: address_of(word(arguments, 2)?)?,
        target: address_of(word(arguments, 3)?)?,
        value: word(arguments, 4)?,
        gas_limit: small(word(arguments, 5)?)?,
        data: tail(arguments, 6)?.to_vec(),
    }))
}

/// Target of the message that a call of the Portal delivers, if it delivers one.
pub fn delivered_target(call_data: &[u8]) -> Option<Address> {
    let arguments = call_data.strip_prefix(&DELIVER)?;
    address_of(word(arguments, 3).ok()?).ok()
}

/// The message that a log puts in this chain's outbox, if it does.
pub fn sent_message(log: &Log, chain_id: u64) -> Result<Option<Message>, BadEvent> {
    let Some([nonce, sender, target]) = topics(log, PORTAL, MESSAGE_SENT)? else {
        return Ok(None);
    };
    Ok(Some(Message {
        source_chain_id: chain_id,
        nonce: small(nonce)?,
        sender: address_of(sender)?,
        target: address_of(target)?,
        value: word(&log.data.data, 0)?,
        gas_limit: small(word(&log.data.data, 1)?)?,
        data: tail(&log.data.data, 2)?.to_vec(),
    }))
}

/// True for the log of a message whose call succeeded, with its value.
pub fn is_message_delivered(log: &Log) -> Result<bool, BadEvent> {
    Ok(topics::<1>(log, PORTAL, MESSAGE_DELIVERED)?.is_some())
}

/// Wei that the other chain gave back, if the log says so.
pub fn returned_value(log: &Log) -> Result<Option<U256>, BadEvent> {
    match topics::<2>(log, PORTAL, VALUE_RETURNED)? {
        None => Ok(None),
        Some(_) => word(&log.data.data, 0).map(Some),
    }
}

/// Round and number of the trophies that a report was granted.
pub fn granted_mints(log: &Log) -> Result<Option<(U256, U256)>, BadEvent> {
    granted(log, REPORTED)
}

/// Round and wei that a payout was granted.
pub fn granted_value(log: &Log) -> Result<Option<(U256, U256)>, BadEvent> {
    granted(log, PAID_OUT)
}

fn granted(log: &Log, event: B256) -> Result<Option<(U256, U256)>, BadEvent> {
    match topics(log, ROUND_GUARD, event)? {
        None => Ok(None),
        Some([round]) => Ok(Some((round, word(&log.data.data, 1)?))),
    }
}

/// Indexed values of a log, if it is this event of this contract.
fn topics<const COUNT: usize>(
    log: &Log,
    emitter: Address,
    event: B256,
) -> Result<Option<[U256; COUNT]>, BadEvent> {
    let (first, indexed) = match log.data.topics().split_first() {
        Some(split) if log.address == emitter => split,
        _ => return Ok(None),
    };
    if *first != event {
        return Ok(None);
    }
    if indexed.len() != COUNT {
        return Err(BadEvent);
    }
    Ok(Some(core::array::from_fn(|at| {
        U256::from_be_bytes(indexed[at].0)
    })))
}

fn word(encoded: &[u8], index: usize) -> Result<U256, BadEvent> {
    let bytes = encoded.get(32 * index..32 * index + 32).ok_or(BadEvent)?;
    Ok(U256::from_be_slice(bytes))
}

/// The last argument, of dynamic length, where an encoder puts it: right behind the fixed words.
fn tail(encoded: &[u8], index: usize) -> Result<&[u8], BadEvent> {
    let start = 32 * (index + 1);
    if word(encoded, index)? != U256::from(start) {
        return Err(BadEvent);
    }
    let length = usize::try_from(word(encoded, index + 1)?).map_err(|_| BadEvent)?;
    let body = encoded.get(start + 32..).ok_or(BadEvent)?;
    body.get(..length).ok_or(BadEvent)
}

fn small(value: U256) -> Result<u64, BadEvent> {
    u64::try_from(value).map_err(|_| BadEvent)
}

fn address_of(value: U256) -> Result<Address, BadEvent> {
    let bytes = value.to_be_bytes::<32>();
    if bytes[..12].iter().any(|&byte| byte != 0) {
        return Err(BadEvent);
    }
    Ok(Address::from_slice(&bytes[12..]))
}
