/* Corner cases of division, by the machine's own instructions: C leaves them undefined. */
#include "machine.h"

static const u32 cases[][2] = {
    {7, 0}, {0, 0}, {0x80000000, 0}, {0x80000000, 0xffffffff}, {0x80000000, 1},
    {0xfffffff9, 2}, {7, 0xfffffffe}, {0xfffffff9, 0xfffffffe}, {1, 0x80000000},
    {0x80000000, 0x80000000}, {0xffffffff, 1}, {0x7fffffff, 0xffffffff}};

int main(void) {
    u32 index = 0;
    for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
        u32 a = cases[i][0], b = cases[i][1], result[4];
        __asm__ volatile("div %0, %1, %2" : "=r"(result[0]) : "r"(a), "r"(b));
        __asm__ volatile("divu %0, %1, %2" : "=r"(result[1]) : "r"(a), "r"(b));
        __asm__ volatile("rem %0, %1, %2" : "=r"(result[2]) : "r"(a), "r"(b));
        __asm__ volatile("remu %0, %1, %2" : "=r"(result[3]) : "r"(a), "r"(b));
        for (int j = 0; j < 4; j++) commit(index++, result[j]);
    }
    return 0;
}
