//! Public key recovery on secp256k1 (SEC 1, section 4.1.6) by the machine's calls.
//!
//! The machine adds affine points whose x differ and doubles points whose y is not 0; what else
//! can happen is decided here. No point of the curve has y = 0, since its order is odd.

use super::ecall::{self, add_points, double_point, multiply};
use super::field::Words;

/// p = 2^256 - 2^32 - 977.
const FIELD: Words = Words([
    0xffff_fc2f,
    0xffff_fffe,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
]);
/// n, the prime order of the curve.
const ORDER: Words = Words([
    0xd036_4141,
    0xbfd2_5e8c,
    0xaf48_a03b,
    0xbaae_dce6,
    0xffff_fffe,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
]);
/// Lower half of n - 2.
const INVERSE_EXPONENT_LOW: u128 = 0xbaae_dce6_af48_a03b_bfd2_5e8c_d036_413f;
/// n - 1, which is -1.
const MINUS_ONE: Words = Words([
    0xd036_4140,
    0xbfd2_5e8c,
    0xaf48_a03b,
    0xbaae_dce6,
    0xffff_fffe,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
]);
const GENERATOR: Point = Point {
    x: Words([
        0x16f8_1798,
        0x59f2_815b,
        0x2dce_28d9,
        0x029b_fcdb,
        0xce87_0b07,
        0x55a0_6295,
        0xf9dc_bbac,
        0x79be_667e,
    ]),
    y: Words([
        0xfb10_d4b8,
        0x9c47_d08f,
        0xa685_5419,
        0xfd17_b448,
        0x0e11_08a8,
        0x5da4_fbfc,
        0x26a3_c465,
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

impl Point {
    const UNSET: Self = Self {
        x: Words::ZERO,
        y: Words::ZERO,
    };
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
    let inverse = invert(&r);
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
    let root = square_root(&square);
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

/// A root of a square: its power (p + 1) / 4, since p = 3 modulo 4.
///
/// In binary the exponent is 223 ones, a zero, 22 ones, 0000, 11, 00.
fn square_root(square: &Words) -> Words {
    let ones_2 = square.squared_times(1, square, &FIELD);
    let ones_3 = ones_2.squared_times(1, square, &FIELD);
    let ones_6 = ones_3.squared_times(3, &ones_3, &FIELD);
    let ones_9 = ones_6.squared_times(3, &ones_3, &FIELD);
    let ones_11 = ones_9.squared_times(2, &ones_2, &FIELD);
    let ones_22 = ones_11.squared_times(11, &ones_11, &FIELD);
    let ones_44 = ones_22.squared_times(22, &ones_22, &FIELD);
    let ones_88 = ones_44.squared_times(44, &ones_44, &FIELD);
    let ones_176 = ones_88.squared_times(88, &ones_88, &FIELD);
    let ones_220 = ones_176.squared_times(44, &ones_44, &FIELD);
    let ones_223 = ones_220.squared_times(3, &ones_3, &FIELD);
    let mut root = ones_223
        .squared_times(23, &ones_22, &FIELD)
        .squared_times(6, &ones_2, &FIELD);
    ecall::square(&mut root, 2, &FIELD);
    root
}

/// Inverse modulo n: the power n - 2, whose upper half is 127 ones and a zero.
fn invert(value: &Words) -> Words {
    let ones_2 = value.squared_times(1, value, &ORDER);
    let ones_3 = ones_2.squared_times(1, value, &ORDER);
    let ones_6 = ones_3.squared_times(3, &ones_3, &ORDER);
    let ones_7 = ones_6.squared_times(1, value, &ORDER);
    let ones_14 = ones_7.squared_times(7, &ones_7, &ORDER);
    let ones_28 = ones_14.squared_times(14, &ones_14, &ORDER);
    let ones_56 = ones_28.squared_times(28, &ones_28, &ORDER);
    let ones_112 = ones_56.squared_times(56, &ones_56, &ORDER);
    let ones_126 = ones_112.squared_times(14, &ones_14, &ORDER);
    let mut power = ones_126.squared_times(1, value, &ORDER);

    let mut powers = [*value; 15];
    for at in 1..15 {
        powers[at] = multiply(&powers[at - 1], value, &ORDER);
    }
    ecall::square(&mut power, 1, &ORDER);
    for shift in (0..128).step_by(4).rev() {
        ecall::square(&mut power, 4, &ORDER);
        let nibble = (INVERSE_EXPONENT_LOW >> shift & 15) as usize;
        if nibble != 0 {
            ecall::multiply_by(&mut power, &powers[nibble - 1], &ORDER);
        }
    }
    power
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
    let of_generator = generator_multiples();
    let mut of_point = [Point::UNSET; 15];
    set_multiples(&mut of_point, point);

    let mut sum = Point::UNSET;
    let mut is_infinity = true;
    for number in (0..64).rev() {
        if !is_infinity {
            for _ in 0..4 {
                double_point(&mut sum);
            }
        }
        for (scalar, table) in [(left, of_generator), (right, &of_point)] {
            let nibble = scalar.nibble(number);
            if nibble != 0 {
                is_infinity = add(&mut sum, is_infinity, &table[nibble - 1]);
            }
        }
    }
    (!is_infinity).then_some(sum)
}

/// Adds `other` to `sum`, or to infinity; says whether the result is infinity.
#[inline(always)]
fn add(sum: &mut Point, is_infinity: bool, other: &Point) -> bool {
    // Nearly always the lowest words tell the two apart.
    let has_other_x = sum.x.0[0] != other.x.0[0] || sum.x != other.x;
    if is_infinity {
        *sum = *other;
    } else if has_other_x {
        add_points(sum, other);
    } else if sum.y == other.y {
        double_point(sum);
    } else {
        return true;
    }
    false
}

/// The point times 1 to 15. The order of the curve is prime, so none of them is infinity.
fn set_multiples(table: &mut [Point; 15], point: &Point) {
    table[0] = *point;
    table[1] = *point;
    double_point(&mut table[1]);
    for at in 2..15 {
        table[at] = table[at - 1];
        add_points(&mut table[at], point);
    }
}

/// Multiples of the generator, which are computed once.
fn generator_multiples() -> &'static [Point; 15] {
    static mut TABLE: [Point; 15] = [Point::UNSET; 15];
    // SAFETY: the machine has one thread, and nothing writes to the table once it is set.
    unsafe {
        let table = &mut *core::ptr::addr_of_mut!(TABLE);
        if table[0].x.is_zero() {
            set_multiples(table, &GENERATOR);
        }
        table
    }
}
