/* The benchmark's program: rounds of mixed work, then idle cycles up to a wanted number.
 *
 * Input: rounds, pairs of idle cycles, one more idle cycle (0 or 1). Public values: a checksum,
 * the rounds. A round does arithmetic, byte, half and word accesses, branches that depend on
 * data, comparisons, products, quotients and shifts; every 16th multiplies modulo a 256-bit
 * number, every 64th permutes a Keccak state.
 *
 * build.sh makes mixed.elf of it.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define INPUT ((const u32 *)0x40000004)
#define TABLE_WORDS 256

enum { COMMIT = 1, KECCAK_F = 2, MULMOD = 3 };

__asm__(".section .text.start\n"
        ".globl _start\n"
        "_start:\n"
        "    lui sp, 0x400\n"
        "    jal ra, main\n"
        "    li a7, 0\n"
        "    ecall\n"
        ".text\n");

static inline void machine_call(u32 number, u32 a, u32 b, u32 c, u32 d) {
    register u32 a0 __asm__("a0") = a;
    register u32 a1 __asm__("a1") = b;
    register u32 a2 __asm__("a2") = c;
    register u32 a3 __asm__("a3") = d;
    register u32 a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
}

static u32 table[TABLE_WORDS];
static u64 lanes[25], sum;
static u32 factor[8] = {3, 1, 4, 1, 5, 9, 2, 6}, product[8] = {1};
/* The order of secp256k1's field. */
static const u32 modulus[8] = {0xfffffc2f, 0xfffffffe, 0xffffffff, 0xffffffff,
                               0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};

static u32 mix(u32 x, u32 y) {
    x ^= y << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x + y;
}

static u32 one_round(u32 number, u32 state) {
    u8 *bytes = (u8 *)table;
    u16 *halves = (u16 *)table;
    for (u32 i = 0; i < 4; i++) {
        u32 place = (state >> (8 * i)) % TABLE_WORDS;
        u32 word = table[place];
        state = mix(state, word + number);
        if ((int)state < 0)
            table[place] = word + state;
        else
            halves[2 * place] = (u16)state;
        bytes[state % (4 * TABLE_WORDS)] ^= (u8)i;
        sum += state;
        state += (int)word < (int)sum;
        if (word > state) state += (u32)(((u64)word * state) >> 32);
    }
    state ^= (state / (number | 1)) * 7 + state % 1000003u;
    state += (u32)((int)state / 10) ^ (u32)((int)state >> 3);
    return state;
}

int main(void) {
    u32 rounds = INPUT[0], idle_pairs = INPUT[1], idle_single = INPUT[2], state = 1;
    for (u32 i = 0; i < TABLE_WORDS; i++) table[i] = i * 0x9e3779b9u;
    for (u32 i = 0; i < rounds; i++) {
        state = one_round(i, state);
        if (i % 16 == 15) {
            factor[i / 16 % 8] ^= state;
            machine_call(MULMOD, (u32)product, (u32)product, (u32)factor, (u32)modulus);
            state ^= product[0];
        }
        if (i % 64 == 63) {
            lanes[i / 64 % 25] ^= state;
            machine_call(KECCAK_F, (u32)lanes, 0, 0, 0);
            state ^= (u32)lanes[0];
        }
    }
    __asm__ volatile("1: beqz %0, 2f\n"
                     "addi %0, %0, -1\n"
                     "bnez %0, 1b+4\n"
                     "2: beqz %1, 3f\n"
                     "nop\n"
                     "3:\n"
                     : "+r"(idle_pairs), "+r"(idle_single));
    machine_call(COMMIT, 0, state ^ (u32)(sum >> 32), 0, 0);
    machine_call(COMMIT, 1, rounds, 0, 0);
    return 0;
}
