/* Length, reversal, upper case and comparison of the input as text. */
#include "machine.h"

static char text[64], other[64];

static u32 length_of(const char *s) {
    u32 length = 0;
    while (s[length]) length++;
    return length;
}

static int compare(const char *one, const char *two) {
    while (*one && *one == *two) one++, two++;
    return (u8)*one - (u8)*two;
}

int main(void) {
    u32 length = INPUT_LENGTH;
    if (length > 63) return 1;
    for (u32 i = 0; i < length; i++) text[i] = (char)INPUT_BYTES[i];
    for (u32 i = 0; i < length; i++) other[i] = text[length - 1 - i];
    commit(0, length_of(text));
    commit(1, (u32)compare(text, other));
    for (u32 i = 0; i < length; i++)
        if (other[i] >= 'a' && other[i] <= 'z') other[i] -= 'a' - 'A';
    for (u32 i = 0; 4 * i < length; i++)
        commit(2 + i, (u32)(u8)other[4 * i] | (u32)(u8)other[4 * i + 1] << 8 |
                          (u32)(u8)other[4 * i + 2] << 16 | (u32)(u8)other[4 * i + 3] << 24);
    return 0;
}
