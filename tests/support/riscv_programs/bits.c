/* Population counts, leading zeros, reversals and rotations of pseudo-random words. */
#include "machine.h"

static u32 population(u32 x) {
    u32 count = 0;
    for (; x; x &= x - 1) count++;
    return count;
}

static u32 leading_zeros(u32 x) {
    u32 count = 32;
    for (; x; x >>= 1) count--;
    return count;
}

static u32 reversed(u32 x) {
    u32 result = 0;
    for (int i = 0; i < 32; i++) result |= (x >> i & 1) << (31 - i);
    return result;
}

int main(void) {
    u32 state = 99;
    for (u32 i = 0; i < 4; i++) {
        u32 x = next_random(&state) >> (5 * i);
        commit(4 * i, population(x));
        commit(4 * i + 1, leading_zeros(x));
        commit(4 * i + 2, reversed(x));
        commit(4 * i + 3, (u32)((i32)(x << 3) >> (x & 31)));
    }
    return 0;
}
