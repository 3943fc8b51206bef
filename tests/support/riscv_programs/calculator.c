/* A stack machine over the input's bytes: jump table, function pointers. */
#include "machine.h"

static i32 stack[16];
static u32 depth;

static i32 add(i32 a, i32 b) { return a + b; }
static i32 subtract(i32 a, i32 b) { return a - b; }
static i32 multiply(i32 a, i32 b) { return a * b; }
static i32 larger(i32 a, i32 b) { return a > b ? a : b; }

static i32 (*const operations[])(i32, i32) = {add, subtract, multiply, larger};

static int operation_of(u8 symbol) {
    switch (symbol) {
        case '+': return 0;
        case '-': return 1;
        case '*': return 2;
        case '|': return 3;
        default: return -1;
    }
}

int main(void) {
    for (u32 i = 0; i < INPUT_LENGTH; i++) {
        u8 symbol = INPUT_BYTES[i];
        if (symbol >= '0' && symbol <= '9') {
            stack[depth++ & 15] = symbol - '0';
            continue;
        }
        int operation = operation_of(symbol);
        if (operation < 0 || depth < 2) return 2;
        depth--;
        stack[depth - 1] = operations[operation](stack[depth - 1], stack[depth]);
    }
    commit(0, (u32)stack[0]);
    commit(1, depth);
    return 0;
}
