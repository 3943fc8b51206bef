/* Greatest common divisor by Euclid (division) and by Stein (shifts). */
#include "machine.h"

static u32 euclid(u32 a, u32 b) {
    while (b) {
        u32 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static u32 stein(u32 a, u32 b) {
    u32 shift = 0;
    while (((a | b) & 1) == 0) a >>= 1, b >>= 1, shift++;
    while ((a & 1) == 0) a >>= 1;
    while (b) {
        while ((b & 1) == 0) b >>= 1;
        if (a > b) {
            u32 t = a;
            a = b;
            b = t;
        }
        b -= a;
    }
    return a << shift;
}

int main(void) {
    u32 a = INPUT_WORDS[0], b = INPUT_WORDS[1];
    commit(0, euclid(a, b));
    commit(1, stein(a, b));
    return 0;
}
