/* Steps of Collatz' sequence from a start to 1, and its greatest element. */
#include "machine.h"

int main(void) {
    u32 n = INPUT_WORDS[0], steps = 0, greatest = n;
    while (n != 1) {
        n = n & 1 ? 3 * n + 1 : n / 2;
        if (n > greatest) greatest = n;
        steps++;
    }
    commit(0, steps);
    commit(1, greatest);
    return 0;
}
