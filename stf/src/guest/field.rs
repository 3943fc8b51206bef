//! 256-bit integers as the machine's modular multiplication takes them.

use super::ecall::{multiply_by, square};

/// Eight words, the lowest first.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Words(pub [u32; 8]);

impl Words {
    pub const ZERO: Self = Self([0; 8]);

    pub fn from_be_bytes(bytes: &[u8; 32]) -> Self {
        Self(core::array::from_fn(|at| {
            let start = 28 - 4 * at;
            u32::from_be_bytes([
                bytes[start],
                bytes[start + 1],
                bytes[start + 2],
                bytes[start + 3],
            ])
        }))
    }

    pub fn write_be_bytes(&self, out: &mut [u8]) {
        for (bytes, word) in out.chunks_exact_mut(4).zip(self.0.iter().rev()) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    pub fn is_odd(&self) -> bool {
        self.0[0] & 1 == 1
    }

    pub fn is_below(&self, other: &Self) -> bool {
        let differing = (0..8).rev().find(|&at| self.0[at] != other.0[at]);
        differing.is_some_and(|at| self.0[at] < other.0[at])
    }

    /// Four bits, number 0 being the lowest.
    pub fn nibble(&self, number: usize) -> usize {
        (self.0[number / 8] >> (4 * (number % 8)) & 15) as usize
    }

    /// `self - other`, where `other` is not above `self`.
    pub fn minus(&self, other: &Self) -> Self {
        let mut borrow = false;
        Self(core::array::from_fn(|at| {
            let (difference, borrowed) = self.0[at].overflowing_sub(other.0[at]);
            let (difference, borrowed_again) = difference.overflowing_sub(u32::from(borrow));
            borrow = borrowed || borrowed_again;
            difference
        }))
    }

    /// `self` squared `squarings` times, then multiplied by `factor`, modulo `modulus`.
    pub fn squared_times(&self, squarings: u32, factor: &Self, modulus: &Self) -> Self {
        let mut result = *self;
        square(&mut result, squarings, modulus);
        multiply_by(&mut result, factor, modulus);
        result
    }
}
