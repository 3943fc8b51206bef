/* The towers of Hanoi: moves are made on three stacks, and checked. */
#include "machine.h"

static u8 stack[3][8];
static u32 height[3], moves, broken;

static void move(int from, int to) {
    u8 disk = stack[from][--height[from]];
    if (height[to] && stack[to][height[to] - 1] < disk) broken++;
    stack[to][height[to]++] = disk;
    moves++;
}

static __attribute__((noinline)) void solve(int count, int from, int over, int to) {
    if (count == 0) return;
    solve(count - 1, from, to, over);
    move(from, to);
    solve(count - 1, over, from, to);
}

int main(void) {
    for (u8 disk = 6; disk > 0; disk--) stack[0][height[0]++] = disk;
    solve(6, 0, 1, 2);
    commit(0, moves);
    commit(1, broken);
    commit(2, height[2]);
    return 0;
}
