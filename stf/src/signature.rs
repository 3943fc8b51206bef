//! Recovery of the signer of a secp256k1 signature.
//!
//! Everything here works on public data, so the variable-time arithmetic is the right one.

#[cfg(feature = "guest")]
use crate::guest::recover_public_key;
use crate::keccak::keccak256;
#[cfg(not(feature = "guest"))]
use crate::recovery::recover_public_key;
use revm::precompile::{Crypto, PrecompileHalt};
use revm::primitives::{uint, Address, B256, U256};

/// Half of the order of secp256k1, rounded down: the largest `s` that EIP-2 allows.
const HALF_ORDER: U256 =
    uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// A signature as transactions carry it.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    pub r: U256,
    pub s: U256,
    pub is_y_odd: bool,
}

impl Signature {
    /// Address that signed `message_hash`; `None` if there is none or if `s` is high (EIP-2).
    pub fn recover(&self, message_hash: &B256) -> Option<Address> {
        if self.s > HALF_ORDER {
            return None;
        }
        let (r, s) = (self.r.to_be_bytes::<32>(), self.s.to_be_bytes::<32>());
        let public_key = recover_public_key(&r, &s, self.is_y_odd, &message_hash.0)?;
        Some(Address::from_slice(&keccak256(public_key)[12..]))
    }

    /// False if no message can have this signature: `r` or `s` is out of range, or `s` is high.
    pub fn is_in_range(&self) -> bool {
        let order = HALF_ORDER.wrapping_mul(U256::from(2)) + U256::from(1);
        let is_r_in_range = !self.r.is_zero() && self.r < order;
        let is_s_in_range = !self.s.is_zero() && self.s <= HALF_ORDER;
        is_r_in_range && is_s_in_range
    }
}

/// revm's cryptography with this module's recovery, which is several times faster on wasm32.
#[derive(Debug)]
pub struct FastCrypto;

impl Crypto for FastCrypto {
    fn secp256k1_ecrecover(
        &self,
        signature: &[u8; 64],
        recovery_id: u8,
        message: &[u8; 32],
    ) -> Result<[u8; 32], PrecompileHalt> {
        let (r, s) = signature.split_at(32);
        let halves = r.try_into().ok().zip(s.try_into().ok());
        let address = halves
            .and_then(|(r, s)| recover_public_key(r, s, recovery_id == 1, message))
            .map(|public_key| {
                let mut padded = keccak256(public_key).0;
                padded[..12].fill(0);
                padded
            });
        address.ok_or(PrecompileHalt::Secp256k1RecoverFailed)
    }
}
