/* Functions that gcc calls of its own accord. */
#include "machine.h"

void *memcpy(void *to, const void *from, unsigned count) {
    u8 *target = to;
    const u8 *source = from;
    while (count--) *target++ = *source++;
    return to;
}

void *memset(void *to, int value, unsigned count) {
    u8 *target = to;
    while (count--) *target++ = (u8)value;
    return to;
}
