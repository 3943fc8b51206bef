/* base^exponent modulo a 256-bit number, by the accelerator. Input: base, modulus, exponent. */
#include "machine.h"

static u32 base[8], modulus[8], result[8] = {1};

int main(void) {
    u32 exponent = INPUT_WORDS[16];
    for (int i = 0; i < 8; i++) base[i] = INPUT_WORDS[i], modulus[i] = INPUT_WORDS[8 + i];
    for (; exponent; exponent >>= 1) {
        if (exponent & 1) mulmod(result, result, base, modulus);
        mulmod(base, base, base, modulus);
    }
    for (int i = 0; i < 8; i++) commit(i, result[i]);
    return 0;
}
