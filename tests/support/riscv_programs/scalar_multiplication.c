/* k G on secp256k1 for a k > 0 from the input, by the accelerators, from the highest bit down. */
#include "machine.h"

static const u32 G[16] = {
    0x16f81798, 0x59f2815b, 0x2dce28d9, 0x029bfcdb, 0xce870b07, 0x55a06295, 0xf9dcbbac, 0x79be667e,
    0xfb10d4b8, 0x9c47d08f, 0xa6855419, 0xfd17b448, 0x0e1108a8, 0x5da4fbfc, 0x26a3c465, 0x483ada77};

int main(void) {
    u32 k = INPUT_WORDS[0], point[16], bit = 31;
    if (k == 0) return 1;
    while (!(k >> bit & 1)) bit--;
    for (int i = 0; i < 16; i++) point[i] = G[i];
    while (bit--) {
        point_double(point);
        if (k >> bit & 1) point_add(point, G);
    }
    for (int i = 0; i < 16; i++) commit(i, point[i]);
    return 0;
}
