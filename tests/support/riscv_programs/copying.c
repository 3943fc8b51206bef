/* Copies by bytes, halves and words, at all offsets, and commits what they leave. */
#include "machine.h"

static u8 source[32] __attribute__((aligned(4))), target[64] __attribute__((aligned(4)));

int main(void) {
    u32 state = 7;
    for (u32 i = 0; i < 32; i++) source[i] = (u8)(next_random(&state) >> 24);
    for (u32 i = 0; i < 13; i++) ((volatile u8 *)target)[3 + i] = source[1 + i];
    for (u32 i = 0; i < 5; i++) ((volatile u16 *)target)[9 + i] = ((volatile u16 *)source)[1 + i];
    for (u32 i = 0; i < 7; i++) ((volatile u32 *)target)[8 + i] = ((volatile u32 *)source)[i];
    /* towards higher addresses over itself: repeats the first bytes */
    for (u32 i = 0; i < 8; i++) ((volatile u8 *)target)[52 + i] = ((volatile u8 *)target)[50 + i];
    for (u32 i = 0; i < 16; i++) commit(i, ((volatile u32 *)target)[i]);
    return 0;
}
