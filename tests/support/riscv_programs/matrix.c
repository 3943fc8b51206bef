/* Powers of a 4 by 4 matrix of words, modulo 2^32. */
#include "machine.h"

static u32 base[4][4], power[4][4], product[4][4];

int main(void) {
    u32 state = 1;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) base[i][j] = next_random(&state), power[i][j] = i == j;
    for (int step = 0; step < 3; step++) {
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                u32 sum = 0;
                for (int k = 0; k < 4; k++) sum += power[i][k] * base[k][j];
                product[i][j] = sum;
            }
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) power[i][j] = product[i][j];
    }
    for (int i = 0; i < 16; i++) commit(i, power[i / 4][i % 4]);
    return 0;
}
