//! Public key recovery in software (SEC 1, section 4.1.6).

use k256::elliptic_curve::ops::{LinearCombination, Reduce};
use k256::elliptic_curve::point::DecompressPoint;
use k256::elliptic_curve::sec1::ToSec1Point;
use k256::elliptic_curve::subtle::Choice;
use k256::elliptic_curve::PrimeField;
use k256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};

/// Public key `Q = (s R - z G) / r` (SEC 1, section 4.1.6), without the leading format byte.
pub fn recover_public_key(
    r: &[u8; 32],
    s: &[u8; 32],
    is_y_odd: bool,
    message_hash: &[u8; 32],
) -> Option<[u8; 64]> {
    let r_bytes = FieldBytes::from(*r);
    let r_scalar: Scalar = Option::from(Scalar::from_repr(r_bytes))?;
    let s_scalar: Scalar = Option::from(Scalar::from_repr(FieldBytes::from(*s)))?;
    let has_zero = bool::from(r_scalar.is_zero()) || bool::from(s_scalar.is_zero());
    if has_zero {
        return None;
    }
    let point: AffinePoint = Option::from(AffinePoint::decompress(
        &r_bytes,
        Choice::from(u8::from(is_y_odd)),
    ))?;
    let z = <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from(*message_hash));
    let inverse: Scalar = Option::from(r_scalar.invert_vartime())?;
    let public_key = ProjectivePoint::lincomb_vartime(&[
        (ProjectivePoint::GENERATOR, -(inverse * z)),
        (ProjectivePoint::from(point), inverse * s_scalar),
    ]);
    let encoded = public_key.to_affine().to_sec1_point(false);
    encoded.as_bytes().get(1..65)?.try_into().ok()
}
