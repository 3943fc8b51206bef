//! Public key recovery on secp256k1 (SEC 1, section 4.1.6) by the machine's calls.
//!
//! The machine adds affine points whose x differ and doubles points whose y is not 0; what else
//! can happen is decided here. No point of the curve has y = 0, since its order is odd.

use super::ecall::{add_points, double_point, multiply};
use super::field::Words;

/// p = 2^256 - 2^32 - 977.
const FIELD: Words = Words([
    0xffff_fc2f, 0xffff_fffe, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff,
    0xffff_ffff,
]);
/// (p + 1) / 4: a square to this power is one of its roots, since p = 3 modulo 4.
const ROOT_EXPONENT: Words = Words([
    0xbfff_ff0c, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff,
    0x3fff_ffff,
]);
/// n, the prime order of the curve.
const ORDER: Words = Words([
    0xd036_4141, 0xbfd2_5e8c, 0xaf48_a03b, 0xbaae_dce6, 0xffff_fffe, 0xffff_ffff, 0xffff_ffff,
    0xffff_ffff,
]);
/// n - 2: Fermat's exponent of the inverse.
const INVERSE_EXPONENT: Words = Words([
    0xd036_413f, 0xbfd2_5e8c, 0xaf48_a03b, 0xbaae_dce6, 0xffff_fffe, 0xffff_ffff, 0xffff_ffff,
    0xffff_ffff,
]);
/// n - 1, which is -1.
const MINUS_ONE: Words = Words([
    0xd036_4140, 0xbfd2_5e8c, 0xaf48_a03b, 0xbaae_dce6, 0xffff_fffe, 0xffff_ffff, 0xffff_ffff,
    0xffff_ffff,
]);
const GENERATOR: Point = Point {
    x: Words([
        0x16f8_1798, 0x59f2_815b, 0x2dce_28d9, 0x029b_fcdb, 0xce87_0b07, 0x55a0_6295, 0xf9dc_bbac,
        0x79be_667e,
    ]),
    y: Words([
        0xfb10_d4b8, 0x9c47_d08f, 0xa685_5419, 0xfd17_b448, 0x0e11_08a8, 0x5da4_fbfc, 0x26a3_c465,
        0x483a_da77,
    ]),
};

/// A point that is not infinity.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Point {
    x: Words,
    y: Words,
}

/// Public key `Q = (s R - z G) / r`, x then y; `None` if there is none.
pub fn recover_public_key(
    r: &[u8; 32],
    s: &[u8; 32],
    is_y_odd: bool,
    message_hash: &[u8; 32],
) -> Option<[u8; 64]> {
    let r = Words::from_be_bytes(r);
    let s = Words::from_be_bytes(s);
    let is_in_range = !r.is_zero() && !s.is_zero() && r.is_below(&ORDER) && s.is_below(&ORDER);
    if !is_in_range {
        return None;
    }
    let point = decompress(&r, is_y_odd)?;
    let z = Words::from_be_bytes(message_hash);
    let inverse = r.power(&INVERSE_EXPONENT, &ORDER);
    let negative_z = multiply(&z, &MINUS_ONE, &ORDER);
    let of_generator = multiply(&negative_z, &inverse, &ORDER);
    let of_point = multiply(&s, &inverse, &ORDER);

    let key = combine(&of_generator, &point, &of_point)?;
    let mut encoded = [0; 64];
    key.x.write_be_bytes(&mut encoded[..32]);
    key.y.write_be_bytes(&mut encoded[32..]);
    Some(encoded)
}

/// The point of the curve with this x below p and this parity of y.
fn decompress(x: &Words, is_y_odd: bool) -> Option<Point> {
    let cube = multiply(&multiply(x, x, &FIELD), x, &FIELD);
    let square = plus_seven(&cube);
    let root = square.power(&ROOT_EXPONENT, &FIELD);
    if multiply(&root, &root, &FIELD) != square {
        return None;
    }
    let y = if root.is_odd() == is_y_odd {
        root
    } else {
        FIELD.minus(&root)
    };
    Some(Point { x: *x, y })
}

/// `value + 7` modulo p, for a value below p.
fn plus_seven(value: &Words) -> Words {
    // p - 7 as -7: value - (p - 7) where that is not negative, else value + 7 without a carry.
    let minus_seven = Words(core::array::from_fn(|at| {
        FIELD.0[at] - if at == 0 { 7 } else { 0 }
    }));
    if !value.is_below(&minus_seven) {
        return value.minus(&minus_seven);
    }
    let mut sum = *value;
    let mut carry = 7;
    for word in &mut sum.0 {
        let (added, is_over) = word.overflowing_add(carry);
        *word = added;
        carry = u32::from(is_over);
    }
    sum
}

/// `left * G + right * point`, unless it is infinity.
fn combine(left: &Words, point: &Point, right: &Words) -> Option<Point> {
    let of_generator = multiples(&GENERATOR);
    let of_point = multiples(point);
    let mut sum = Sum(None);
    for number in (0..64).rev() {
        if let Some(point) = &mut sum.0 {
            double_point(point, 4);
        }
        for (scalar, table) in [(left, &of_generator), (right, &of_point)] {
            let nibble = scalar.nibble(number);
            if nibble != 0 {
                sum.add(&table[nibble - 1]);
            }
        }
    }
    sum.0
}

/// The point times 1 to 15. The order of the curve is prime, so none of them is infinity.
fn multiples(point: &Point) -> [Point; 15] {
    let mut table = [*point; 15];
    double_point(&mut table[1], 1);
    for at in 2..15 {
        table[at] = table[at - 1];
        add_points(&mut table[at], point);
    }
    table
}

/// A sum of points; `None` is infinity.
struct Sum(Option<Point>);

impl Sum {
    #[inline(always)]
    fn add(&mut self, other: &Point) {
        let Some(point) = &mut self.0 else {
            self.0 = Some(*other);
            return;
        };
        if point.x != other.x {
            add_points(point, other);
        } else if point.y == other.y {
            double_point(point, 1);
        } else {
            self.0 = None;
        }
    }
}
