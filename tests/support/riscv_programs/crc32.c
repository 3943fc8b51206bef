/* CRC-32 (IEEE 802.3) of the input, bit by bit. */
#include "machine.h"

int main(void) {
    u32 crc = 0xffffffff;
    for (u32 i = 0; i < INPUT_LENGTH; i++) {
        crc ^= INPUT_BYTES[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320 & -(crc & 1));
    }
    commit(0, ~crc);
    return 0;
}
