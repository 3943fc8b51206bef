/* Sorts the input's words as signed numbers, and commits them. */
#include "machine.h"

static i32 values[64];

static void sort(int low, int high) {
    if (low >= high) return;
    i32 pivot = values[(low + high) / 2];
    int left = low, right = high;
    while (left <= right) {
        while (values[left] < pivot) left++;
        while (values[right] > pivot) right--;
        if (left <= right) {
            i32 value = values[left];
            values[left++] = values[right];
            values[right--] = value;
        }
    }
    sort(low, right);
    sort(left, high);
}

int main(void) {
    u32 count = INPUT_LENGTH / 4;
    if (count > 64) return 1;
    for (u32 i = 0; i < count; i++) values[i] = (i32)INPUT_WORDS[i];
    sort(0, (int)count - 1);
    for (u32 i = 0; i < count; i++) commit(i, (u32)values[i]);
    return 0;
}
