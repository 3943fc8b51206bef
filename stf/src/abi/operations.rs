//! What the host can ask for.

use super::errors::{Failure, Status};
use super::messagepack::{Reader, Writer};
use super::{requests, responses};
use crate::batch;
use crate::call::{call, estimate_gas};
use crate::engine::Engine;
use crate::fixture::run_fixture;
use crate::keccak::keccak256;
use crate::loader::Loader;
use crate::meter::costs;
use crate::state::{account_at, storage_at, Account, MissingState};
use crate::transaction::Transaction;
use crate::trie::{prove, Encoder, Key, Root, Value, EMPTY_ROOT};
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use revm::primitives::U256;

/// One chain in one wasm instance.
#[derive(Default)]
pub enum Instance {
    #[default]
    Empty,
    /// Takes accounts until it is started.
    Loading(Loader),
    Running(Engine),
}

impl Instance {
    /// Answers one request.
    pub fn invoke(&mut self, operation: u32, request: &[u8]) -> Writer {
        let mut out = Writer::default();
        out.array(2);
        out.unsigned(Status::Success as u64);
        match self.dispatch(operation, &mut Reader::new(request), &mut out) {
            Ok(()) => out,
            Err(failure) => {
                out.bytes.clear();
                failure.write(&mut out);
                out
            }
        }
    }

    fn dispatch(
        &mut self,
        operation: u32,
        request: &mut Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), Failure> {
        match operation {
            0 => self.begin(request, out),
            1 => self.add_accounts(request, out),
            2 => self.start_at_genesis(request, out),
            3 => self.start_at_head(request, out),
            4 => self.execute(request, out),
            5 => self.rollback(request, out),
            6 => self.finalize(request, out),
            7 => self.accounts(request, out),
            8 => self.code(request, out),
            9 => self.storage(request, out),
            10 => self.call(request, out),
            11 => self.estimate_gas(request, out),
            12 => self.prove(request, out),
            13 => recover_senders(request, out),
            14 => fixture(request, out),
            15 => self.record(request, out),
            16 => run_batch(request, out),
            17 => proving_costs(request, out),
            _ => Err(Failure::new(
                Status::MalformedRequest,
                String::from("no such operation"),
            )),
        }
    }

    fn engine(&mut self) -> Result<&mut Engine, Failure> {
        match self {
            Self::Running(engine) => Ok(engine),
            Self::Empty | Self::Loading(_) => Err(not_started("the chain has not started")),
        }
    }

    fn loader(&mut self) -> Result<&mut Loader, Failure> {
        match self {
            Self::Loading(loader) => Ok(loader),
            Self::Empty | Self::Running(_) => Err(not_started("no state is being loaded")),
        }
    }

    fn take_loader(&mut self) -> Result<Loader, Failure> {
        self.loader()?;
        match core::mem::take(self) {
            Self::Loading(loader) => Ok(loader),
            Self::Empty | Self::Running(_) => Err(not_started("no state is being loaded")),
        }
    }

    fn write_head(&mut self, out: &mut Writer) -> Result<(), Failure> {
        let engine = self.engine()?;
        let head = engine.head();
        responses::head(out, head, engine.finalized_number(), engine.rules.fork);
        Ok(())
    }

    fn begin(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        let rules = requests::rules(request)?;
        request.finish()?;
        *self = Self::Loading(Loader::new(rules));
        out.nil();
        Ok(())
    }

    fn add_accounts(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        let accounts = requests::accounts(request)?;
        request.finish()?;
        self.loader()?.add(accounts)?;
        out.nil();
        Ok(())
    }

    /// Request: `[timestamp, gas_limit]`.
    fn start_at_genesis(
        &mut self,
        request: &mut Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), Failure> {
        request.tuple(2)?;
        let (timestamp_seconds, gas_limit) = (request.unsigned()?, request.unsigned()?);
        request.finish()?;
        let engine = self
            .take_loader()?
            .into_genesis(timestamp_seconds, gas_limit);
        *self = Self::Running(engine);
        self.write_head(out)
    }

    /// Request: `[header, recent block hashes]`.
    fn start_at_head(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        request.tuple(2)?;
        let header_rlp = request.bytes()?;
        let recent_hashes = requests::block_hashes(request)?;
        request.finish()?;
        let engine = self.take_loader()?.into_head(header_rlp, recent_hashes)?;
        *self = Self::Running(engine);
        self.write_head(out)
    }

    fn execute(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        let block = requests::block(request)?;
        request.finish()?;
        let output = self.engine()?.execute(&block)?;
        responses::block(out, &output);
        Ok(())
    }

    /// Request: `[parent number, blocks]`. Response: `[headers, codes, nodes]` of a witness.
    fn record(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        request.tuple(2)?;
        let parent = request.unsigned()?;
        let blocks = request.list(requests::block)?;
        request.finish()?;
        let recording = self.engine()?.record(parent, &blocks)?;
        out.array(3);
        for items in [&recording.headers, &recording.codes, &recording.nodes] {
            out.list(items, |out, item| out.byte_string(item));
        }
        Ok(())
    }

    fn rollback(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        let number = request.unsigned()?;
        request.finish()?;
        self.engine()?.rollback(number)?;
        self.write_head(out)
    }

    fn finalize(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        let number = request.unsigned()?;
        request.finish()?;
        self.engine()?.finalize(number)?;
        self.write_head(out)
    }

    /// Request: `[addresses, number]`.
    fn accounts(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        request.tuple(2)?;
        let addresses = request.list(Reader::address)?;
        let number = request.optional(Reader::unsigned)?;
        request.finish()?;
        let block = self.engine()?.block(number)?;
        out.try_list(&addresses, |out, address| {
            responses::account_fields(out, account_at(&block.accounts, address)?);
            Ok::<_, MissingState>(())
        })?;
        Ok(())
    }

    /// Request: `[address, number]`.
    fn code(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        request.tuple(2)?;
        let address = request.address()?;
        let number = request.optional(Reader::unsigned)?;
        request.finish()?;
        let engine = self.engine()?;
        let account = account_at(&engine.block(number)?.accounts, &address)?;
        let code = account.and_then(|account| engine.code(&account.fields.code_hash));
        out.byte_string(code.unwrap_or_default().original_byte_slice());
        Ok(())
    }

    /// Request: `[address, slots, number]`.
    fn storage(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        request.tuple(3)?;
        let address = request.address()?;
        let slots = request.list(Reader::wide)?;
        let number = request.optional(Reader::unsigned)?;
        request.finish()?;
        let account = account_at(&self.engine()?.block(number)?.accounts, &address)?;
        out.try_list(&slots, |out, slot| {
            out.wide(slot_of(account, slot)?);
            Ok::<_, MissingState>(())
        })?;
        Ok(())
    }

    /// Request: `[call, number]`.
    fn call(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        request.tuple(2)?;
        let arguments = requests::call(request)?;
        let number = request.optional(Reader::unsigned)?;
        request.finish()?;
        responses::call(out, &call(self.engine()?, &arguments, number)?);
        Ok(())
    }

    /// Request: `[call, number]`.
    fn estimate_gas(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        request.tuple(2)?;
        let arguments = requests::call(request)?;
        let number = request.optional(Reader::unsigned)?;
        request.finish()?;
        out.unsigned(estimate_gas(self.engine()?, &arguments, number)?);
        Ok(())
    }

    /// Request: `[address, slots, number]`. Response: `[account, storage root, nodes,
    /// [[value, nodes], ...]]`.
    fn prove(&mut self, request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
        request.tuple(3)?;
        let address = request.address()?;
        let slots = request.list(Reader::wide)?;
        let number = request.optional(Reader::unsigned)?;
        request.finish()?;
        let accounts = self.engine()?.block(number)?.accounts.clone();
        let account = account_at(&accounts, &address)?;

        out.array(4);
        responses::account_fields(out, account);
        let storage_root = account.map_or(EMPTY_ROOT, |account| account.storage_root);
        out.byte_string(storage_root.as_slice());
        let encoder = &mut self.engine()?.encoder;
        write_proof(
            out,
            &accounts,
            &Key::from_hash(&keccak256(address)),
            encoder,
        );
        out.try_list(&slots, |out, slot| {
            let storage = account.and_then(|account| account.storage.clone());
            let key = Key::from_hash(&keccak256(slot.to_be_bytes::<32>()));
            out.array(2);
            out.wide(slot_of(account, slot)?);
            write_proof(out, &storage, &key, encoder);
            Ok::<_, MissingState>(())
        })?;
        Ok(())
    }
}

fn slot_of(account: Option<&Rc<Account>>, slot: &U256) -> Result<U256, MissingState> {
    account.map_or(Ok(U256::ZERO), |account| storage_at(account, slot))
}

fn write_proof<V: Value>(out: &mut Writer, root: &Root<V>, key: &Key, encoder: &mut Encoder) {
    let nodes = prove(root, key, encoder);
    out.list(&nodes, |out, node| out.byte_string(node));
}

fn not_started(message: &str) -> Failure {
    Failure::new(Status::NotStarted, message.to_string())
}

/// Request: raw transactions. Response: a sender or nil for each.
fn recover_senders(request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
    let transactions = request.list(Reader::bytes)?;
    request.finish()?;
    out.list(&transactions, |out, raw| {
        let sender = Transaction::decode(raw)
            .ok()
            .and_then(|decoded| decoded.recover_sender());
        out.optional(sender, |out, sender| out.byte_string(sender.as_slice()));
    });
    Ok(())
}

/// Request: `[witness]`. Response: the statement that the guest makes of it.
fn run_batch(request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
    request.tuple(1)?;
    let witness = request.bytes()?;
    request.finish()?;
    let statement = batch::run(witness)?;
    out.byte_string(&statement.encode());
    Ok(())
}

/// Response: `[opcodes, lookups, [[fixed, per word] of each precompile], all others]`, in the order in which
/// `meter::costs` has them.
fn proving_costs(request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
    request.tuple(0)?;
    request.finish()?;
    let mut number = |out: &mut Writer, cost: &u32| out.unsigned(u64::from(*cost));
    out.array(4);
    out.list(&costs::BASE, &mut number);
    out.list(&costs::LOOKUP, |out, per_touched| {
        out.list(per_touched, &mut number);
    });
    out.list(&costs::PRECOMPILES, |out, (fixed, per_word)| {
        out.array(2);
        out.unsigned(u64::from(*fixed));
        out.unsigned(u64::from(*per_word));
    });
    out.list(costs::OTHERS, &mut number);
    Ok(())
}

fn fixture(request: &mut Reader<'_>, out: &mut Writer) -> Result<(), Failure> {
    let fixture = requests::fixture(request)?;
    request.finish()?;
    let outcome = run_fixture(
        fixture.rules,
        &fixture.context,
        fixture.accounts,
        &fixture.transaction,
    )?;
    responses::fixture(out, &outcome);
    Ok(())
}
