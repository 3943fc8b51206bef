//! Transactions as they arrive: EIP-2718 byte strings, decoded strictly.

use crate::keccak::keccak256;
use crate::signature::Signature;
use crate::skip_reason::SkipReason;
use alloc::vec::Vec;
use alloy_rlp::{Decodable, Encodable, Header};
use revm::context::either::Either;
use revm::context::transaction::{
    AccessList, RecoveredAuthority, RecoveredAuthorization, SignedAuthorization,
};
use revm::context::TxEnv;
use revm::primitives::{Address, Bytes, TxKind, B256, U256};

pub const LEGACY: u8 = 0;
pub const ACCESS_LIST: u8 = 1;
pub const DYNAMIC_FEE: u8 = 2;
pub const BLOB: u8 = 3;
pub const SET_CODE: u8 = 4;

/// A decoded transaction; its sender, and who signed its authorizations, are not known yet.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub hash: B256,
    /// `None` for a legacy transaction from before EIP-155, which is valid on every chain.
    pub chain_id: Option<U256>,
    pub signature: Signature,
    /// All but the sender.
    pub environment: TxEnv,
    /// Encodings of the signed fields, one after the other.
    signed_fields: &'a [u8],
}

impl<'a> Transaction<'a> {
    /// Decodes one transaction.
    ///
    /// Fees above 2**128 - 1 wei, and nonces and gas limits above 2**64 - 1, are
    /// [`SkipReason::InvalidEncoding`].
    pub fn decode(raw: &'a [u8]) -> Result<Self, SkipReason> {
        let first = *raw.first().ok_or(SkipReason::InvalidEncoding)?;
        let transaction_type = match first {
            0xc0.. => LEGACY,
            ACCESS_LIST | DYNAMIC_FEE | BLOB | SET_CODE => first,
            0x80..=0xbf => return Err(SkipReason::InvalidEncoding),
            _ => return Err(SkipReason::UnsupportedType),
        };
        let body = if transaction_type == LEGACY {
            raw
        } else {
            &raw[1..]
        };
        let mut fields = Fields::of_list(body)?;
        let transaction = match transaction_type {
            LEGACY => Self::decode_legacy(&mut fields),
            _ => Self::decode_typed(transaction_type, &mut fields),
        }?;
        fields.finish()?;
        Ok(Self {
            hash: keccak256(raw),
            ..transaction
        })
    }

    fn decode_legacy(fields: &mut Fields<'a>) -> Result<Self, SkipReason> {
        let environment = TxEnv {
            tx_type: LEGACY,
            nonce: fields.next()?,
            gas_price: fields.next()?,
            gas_limit: fields.next()?,
            kind: fields.next()?,
            value: fields.next()?,
            data: fields.next()?,
            ..TxEnv::default()
        };
        let signed_fields = fields.consumed();

        let v: U256 = fields.next()?;
        let is_before_eip_155 = v == U256::from(27) || v == U256::from(28);
        let chain_id = if is_before_eip_155 {
            None
        } else {
            // v = 35 + 2 * chain id + parity; what lies below is no chain of ours.
            Some(
                v.checked_sub(U256::from(35))
                    .ok_or(SkipReason::InvalidSignature)?
                    >> 1,
            )
        };
        // 27 and 35 + 2 * chain id are both odd and both mean an even y.
        let is_y_odd = !v.bit(0);
        let signature = Signature {
            is_y_odd,
            r: fields.next()?,
            s: fields.next()?,
        };
        Ok(Self {
            hash: B256::ZERO,
            chain_id,
            signature,
            environment,
            signed_fields,
        })
    }

    fn decode_typed(transaction_type: u8, fields: &mut Fields<'a>) -> Result<Self, SkipReason> {
        let chain_id: U256 = fields.next()?;
        let nonce = fields.next()?;
        let has_tip = transaction_type != ACCESS_LIST;
        let gas_priority_fee = if has_tip { Some(fields.next()?) } else { None };
        let gas_price = fields.next()?;
        let gas_limit = fields.next()?;
        let may_create = matches!(transaction_type, ACCESS_LIST | DYNAMIC_FEE);
        let kind = if may_create {
            fields.next()?
        } else {
            TxKind::Call(fields.next::<Address>()?)
        };
        let mut environment = TxEnv {
            tx_type: transaction_type,
            chain_id: u64::try_from(chain_id).ok(),
            nonce,
            gas_priority_fee,
            gas_price,
            gas_limit,
            kind,
            value: fields.next()?,
            data: fields.next::<Bytes>()?,
            access_list: fields.next::<AccessList>()?,
            ..TxEnv::default()
        };
        if transaction_type == BLOB {
            environment.max_fee_per_blob_gas = fields.next()?;
            environment.blob_hashes = fields.next::<Vec<B256>>()?;
        }
        if transaction_type == SET_CODE {
            environment.authorization_list = fields
                .next::<Vec<SignedAuthorization>>()?
                .into_iter()
                .map(Either::Left)
                .collect();
        }
        let signed_fields = fields.consumed();

        let parity: U256 = fields.next()?;
        let signature = Signature {
            is_y_odd: parity.bit(0),
            r: fields.next()?,
            s: fields.next()?,
        };
        if parity > U256::from(1) {
            return Err(SkipReason::InvalidSignature);
        }
        Ok(Self {
            hash: B256::ZERO,
            chain_id: Some(chain_id),
            signature,
            environment,
            signed_fields,
        })
    }

    /// Hash that the sender signed (EIP-155 for legacy transactions with a chain id).
    fn signing_hash(&self) -> B256 {
        let transaction_type = self.environment.tx_type;
        let replay_protection = self.chain_id.filter(|_| transaction_type == LEGACY);
        let suffix_length = replay_protection.map_or(0, |chain_id| chain_id.length() + 2);
        let header = Header {
            list: true,
            payload_length: self.signed_fields.len() + suffix_length,
        };

        let mut signed = Vec::with_capacity(header.length_with_payload() + 1);
        if transaction_type != LEGACY {
            signed.push(transaction_type);
        }
        header.encode(&mut signed);
        signed.extend_from_slice(self.signed_fields);
        if let Some(chain_id) = replay_protection {
            chain_id.encode(&mut signed);
            signed.extend_from_slice(&[0x80, 0x80]);
        }
        keccak256(signed)
    }

    /// Finds out who signed the authorizations.
    pub fn recover_authorities(&mut self) {
        for authorization in &mut self.environment.authorization_list {
            if let Either::Left(signed) = authorization {
                *authorization = Either::Right(recover_authority(signed.clone()));
            }
        }
    }

    /// The sender, from the signature.
    pub fn recover_sender(&self) -> Option<Address> {
        self.signature.recover(&self.signing_hash())
    }
}

/// An authorization with its signer (EIP-7702); an invalid one is kept, since it costs gas.
fn recover_authority(authorization: SignedAuthorization) -> RecoveredAuthorization {
    let parity = authorization.y_parity();
    let signature = Signature {
        r: authorization.r(),
        s: authorization.s(),
        is_y_odd: parity == 1,
    };
    let signer = if parity > 1 {
        None
    } else {
        signature.recover(&authorization.signature_hash())
    };
    let authority = signer.map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
    RecoveredAuthorization::new_unchecked(authorization.strip_signature(), authority)
}

/// Reads the fields of an RLP list one by one.
struct Fields<'a> {
    list: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of_list(encoded: &'a [u8]) -> Result<Self, SkipReason> {
        let mut rest = encoded;
        let list =
            Header::decode_bytes(&mut rest, true).map_err(|_| SkipReason::InvalidEncoding)?;
        if !rest.is_empty() {
            return Err(SkipReason::InvalidEncoding);
        }
        Ok(Self { list, rest: list })
    }

    fn next<T: Decodable>(&mut self) -> Result<T, SkipReason> {
        T::decode(&mut self.rest).map_err(|_| SkipReason::InvalidEncoding)
    }

    fn consumed(&self) -> &'a [u8] {
        &self.list[..self.list.len() - self.rest.len()]
    }

    fn finish(&self) -> Result<(), SkipReason> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(SkipReason::InvalidEncoding)
        }
    }
}
