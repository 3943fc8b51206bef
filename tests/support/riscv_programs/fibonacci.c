/* Fibonacci's numbers by recursion without memory. */
#include "machine.h"

static __attribute__((noinline)) u32 fibonacci(u32 n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

int main(void) {
    commit(0, fibonacci(INPUT_WORDS[0]));
    return 0;
}
