/* What a C program asks of the machine. */
#ifndef MACHINE_H
#define MACHINE_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#define INPUT_LENGTH (*(volatile const u32 *)0x40000000)
#define INPUT_BYTES ((const u8 *)0x40000004)
#define INPUT_WORDS ((const u32 *)0x40000004)

static inline void machine_call(u32 number, u32 a, u32 b, u32 c, u32 d) {
    register u32 a0 __asm__("a0") = a;
    register u32 a1 __asm__("a1") = b;
    register u32 a2 __asm__("a2") = c;
    register u32 a3 __asm__("a3") = d;
    register u32 a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
}

static inline void commit(u32 index, u32 word) { machine_call(1, index, word, 0, 0); }
static inline void keccak_f(u64 lanes[25]) { machine_call(2, (u32)lanes, 0, 0, 0); }
static inline void mulmod(u32 *out, const u32 *a, const u32 *b, const u32 *modulus) {
    machine_call(3, (u32)out, (u32)a, (u32)b, (u32)modulus);
}
static inline void point_add(u32 p[16], const u32 q[16]) {
    machine_call(4, (u32)p, (u32)q, 0, 0);
}
static inline void point_double(u32 p[16]) { machine_call(5, (u32)p, 0, 0, 0); }

/* Linear congruential generator, constants of Numerical Recipes. */
static inline u32 next_random(u32 *state) { return *state = *state * 1664525u + 1013904223u; }

#endif
