//! The part of MessagePack that requests and responses use.
//!
//! 256-bit integers travel as an integer where they fit 64 bits, else as big-endian bytes.

use alloc::vec::Vec;
use core::fmt;
use revm::primitives::{Address, Bytes, B256, U256};

/// The request is not what the function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedRequest;

impl fmt::Display for MalformedRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the request is not the MessagePack array that this function takes")
    }
}

type Read<T> = Result<T, MalformedRequest>;

/// Reads values one after the other.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn byte(&mut self) -> Read<u8> {
        let (&first, rest) = self.rest.split_first().ok_or(MalformedRequest)?;
        self.rest = rest;
        Ok(first)
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        if length > self.rest.len() {
            return Err(MalformedRequest);
        }
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(taken)
    }

    /// Big-endian unsigned integer of `length` bytes, at most 8.
    fn big_endian(&mut self, length: usize) -> Read<u64> {
        Ok(self
            .take(length)?
            .iter()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn length(&mut self, bytes: usize) -> Read<usize> {
        usize::try_from(self.big_endian(bytes)?).map_err(|_| MalformedRequest)
    }

    pub fn unsigned(&mut self) -> Read<u64> {
        match self.byte()? {
            small @ 0..=0x7f => Ok(u64::from(small)),
            0xcc => self.big_endian(1),
            0xcd => self.big_endian(2),
            0xce => self.big_endian(4),
            0xcf => self.big_endian(8),
            _ => Err(MalformedRequest),
        }
    }

    pub fn boolean(&mut self) -> Read<bool> {
        match self.byte()? {
            0xc2 => Ok(false),
            0xc3 => Ok(true),
            _ => Err(MalformedRequest),
        }
    }

    pub fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = match self.byte()? {
            0xc4 => self.length(1)?,
            0xc5 => self.length(2)?,
            0xc6 => self.length(4)?,
            _ => return Err(MalformedRequest),
        };
        self.take(length)
    }

    pub fn owned_bytes(&mut self) -> Read<Bytes> {
        Ok(Bytes::copy_from_slice(self.bytes()?))
    }

    pub fn text(&mut self) -> Read<&'a str> {
        let length = match self.byte()? {
            short @ 0xa0..=0xbf => usize::from(short & 0x1f),
            0xd9 => self.length(1)?,
            _ => return Err(MalformedRequest),
        };
        core::str::from_utf8(self.take(length)?).map_err(|_| MalformedRequest)
    }

    /// Number of elements of the array that starts here.
    pub fn array(&mut self) -> Read<usize> {
        match self.byte()? {
            short @ 0x90..=0x9f => Ok(usize::from(short & 0x0f)),
            0xdc => self.length(2),
            0xdd => self.length(4),
            _ => Err(MalformedRequest),
        }
    }

    /// Start of an array of exactly `expected` elements.
    pub fn tuple(&mut self, expected: usize) -> Read<()> {
        if self.array()? == expected {
            Ok(())
        } else {
            Err(MalformedRequest)
        }
    }

    /// An array of any length. Nothing is reserved before it has arrived.
    pub fn list<T>(&mut self, mut element: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.array()?;
        let mut elements = Vec::with_capacity(count.min(self.rest.len()));
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    /// A value, or nil.
    pub fn optional<T>(&mut self, value: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.rest.first() == Some(&0xc0) {
            self.byte()?;
            return Ok(None);
        }
        value(self).map(Some)
    }

    pub fn wide(&mut self) -> Read<U256> {
        let is_bytes = self
            .rest
            .first()
            .is_some_and(|first| (0xc4..=0xc6).contains(first));
        if !is_bytes {
            return self.unsigned().map(U256::from);
        }
        U256::try_from_be_slice(self.bytes()?).ok_or(MalformedRequest)
    }

    pub fn address(&mut self) -> Read<Address> {
        Address::try_from(self.bytes()?).map_err(|_| MalformedRequest)
    }

    pub fn hash(&mut self) -> Read<B256> {
        B256::try_from(self.bytes()?).map_err(|_| MalformedRequest)
    }

    /// Refuses bytes after the last value.
    pub fn finish(&self) -> Read<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(MalformedRequest)
        }
    }
}

/// Appends values one after the other.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn unsigned(&mut self, value: u64) {
        match value {
            0..=0x7f => self.bytes.push(value as u8),
            0x80..=0xff => self.bytes.extend_from_slice(&[0xcc, value as u8]),
            0x100..=0xffff => {
                self.bytes.push(0xcd);
                self.bytes.extend_from_slice(&(value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.bytes.push(0xce);
                self.bytes.extend_from_slice(&(value as u32).to_be_bytes());
            }
            _ => {
                self.bytes.push(0xcf);
                self.bytes.extend_from_slice(&value.to_be_bytes());
            }
        }
    }

    pub fn boolean(&mut self, value: bool) {
        self.bytes.push(if value { 0xc3 } else { 0xc2 });
    }

    pub fn nil(&mut self) {
        self.bytes.push(0xc0);
    }

    pub fn byte_string(&mut self, value: &[u8]) {
        match value.len() {
            length @ 0..=0xff => self.bytes.extend_from_slice(&[0xc4, length as u8]),
            length @ 0x100..=0xffff => {
                self.bytes.push(0xc5);
                self.bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                self.bytes.push(0xc6);
                self.bytes.extend_from_slice(&(length as u32).to_be_bytes());
            }
        }
        self.bytes.extend_from_slice(value);
    }

    pub fn text(&mut self, value: &str) {
        match value.len() {
            length @ 0..=0x1f => self.bytes.push(0xa0 | length as u8),
            length @ 0x20..=0xffff => {
                self.bytes.push(0xda);
                self.bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                self.bytes.push(0xdb);
                self.bytes.extend_from_slice(&(length as u32).to_be_bytes());
            }
        }
        self.bytes.extend_from_slice(value.as_bytes());
    }

    /// Starts an array; its elements follow.
    pub fn array(&mut self, length: usize) {
        match length {
            0..=0x0f => self.bytes.push(0x90 | length as u8),
            0x10..=0xffff => {
                self.bytes.push(0xdc);
                self.bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                self.bytes.push(0xdd);
                self.bytes.extend_from_slice(&(length as u32).to_be_bytes());
            }
        }
    }

    pub fn list<T>(&mut self, elements: &[T], mut element: impl FnMut(&mut Self, &T)) {
        self.array(elements.len());
        for value in elements {
            element(self, value);
        }
    }

    /// A list whose elements may turn out to have no value.
    pub fn try_list<T, E>(
        &mut self,
        elements: &[T],
        mut element: impl FnMut(&mut Self, &T) -> Result<(), E>,
    ) -> Result<(), E> {
        self.array(elements.len());
        elements.iter().try_for_each(|value| element(self, value))
    }

    pub fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.nil(),
            Some(value) => write(self, value),
        }
    }

    pub fn wide(&mut self, value: U256) {
        match u64::try_from(value) {
            Ok(small) => self.unsigned(small),
            Err(_) => self.byte_string(&value.to_be_bytes_trimmed_vec()),
        }
    }
}
