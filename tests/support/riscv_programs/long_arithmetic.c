/* 64-bit arithmetic on two numbers from the input, as gcc's library does it. */
#include "machine.h"

static void commit_long(u32 index, u64 value) {
    commit(index, (u32)value);
    commit(index + 1, (u32)(value >> 32));
}

int main(void) {
    u64 a = (u64)INPUT_WORDS[1] << 32 | INPUT_WORDS[0];
    u64 b = (u64)INPUT_WORDS[3] << 32 | INPUT_WORDS[2];
    commit_long(0, a + b);
    commit_long(2, a - b);
    commit_long(4, a * b);
    commit_long(6, a / b);
    commit_long(8, a % b);
    commit_long(10, (u64)((i64)a / (i64)b));
    commit_long(12, (u64)((i64)a % (i64)b));
    commit_long(14, a << (b & 63));
    commit_long(16, a >> (b & 63));
    commit_long(18, (u64)((i64)a >> (b & 63)));
    commit(20, (i64)a < (i64)b);
    commit(21, a < b);
    return 0;
}
