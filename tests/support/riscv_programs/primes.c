/* Sieve of Eratosthenes below 300: count, sum and the largest prime. */
#include "machine.h"

#define LIMIT 300
static u8 is_composite[LIMIT];

int main(void) {
    u32 count = 0, sum = 0, largest = 0;
    for (u32 n = 2; n < LIMIT; n++) {
        if (is_composite[n]) continue;
        count++;
        sum += n;
        largest = n;
        for (u32 m = n * n; m < LIMIT; m += n) is_composite[m] = 1;
    }
    commit(0, count);
    commit(1, sum);
    commit(2, largest);
    return 0;
}
