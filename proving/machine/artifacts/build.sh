#!/bin/sh
# Builds mixed.elf; needs Debian's gcc-riscv64-unknown-elf (12.2.0 built the committed file).
set -eu
cd "$(dirname "$0")"
riscv64-unknown-elf-gcc -march=rv32im -mabi=ilp32 -mcmodel=medlow -nostdlib -ffreestanding \
    -static -s -O2 -std=c11 -Wall -Wextra -Werror -fno-tree-loop-distribute-patterns \
    -Wl,--build-id=none -Wl,-z,max-page-size=4 -Wl,-T,mixed.ld -o mixed.elf mixed.c
