//! Atomic operations, which one thread without interrupts has for free.
//!
//! The target has no atomic instructions; these are the functions that the compiler calls instead.

macro_rules! fetch {
    ($name:ident, $old:ident, $operand:ident, $new:expr) => {
        #[no_mangle]
        unsafe extern "C" fn $name(place: *mut u32, $operand: u32) -> u32 {
            let $old = place.read();
            place.write($new);
            $old
        }
    };
}

macro_rules! compare_and_swap {
    ($name:ident, $integer:ty) => {
        #[no_mangle]
        unsafe extern "C" fn $name(
            place: *mut $integer,
            expected: $integer,
            new: $integer,
        ) -> $integer {
            let old = place.read();
            if old == expected {
                place.write(new);
            }
            old
        }
    };
}

fetch!(
    __sync_fetch_and_add_4,
    old,
    operand,
    old.wrapping_add(operand)
);
fetch!(
    __sync_fetch_and_sub_4,
    old,
    operand,
    old.wrapping_sub(operand)
);
fetch!(__sync_lock_test_and_set_4, old, operand, operand);
compare_and_swap!(__sync_val_compare_and_swap_1, u8);
compare_and_swap!(__sync_val_compare_and_swap_4, u32);
