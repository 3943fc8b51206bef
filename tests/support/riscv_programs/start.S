# Entry of the C programs: a stack, main, and HALT with main's result.
    .section .text.start
    .globl _start
_start:
    lui   sp, 0x400
    jal   ra, main
    li    a7, 0
    ecall
