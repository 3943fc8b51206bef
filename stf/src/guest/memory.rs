//! What compilers call to copy, fill and compare memory, by words wherever that is possible.
//!
//! In assembly, since a compiler turns such loops into calls of these very functions.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.memory, "ax"

    # memcpy(a0 to, a1 from, a2 length); keeps a0. Also right for ranges that overlap with to < from.
    .globl memcpy
    .type memcpy, @function
memcpy:
    mv t0, a0
    li t1, 8
    bltu a2, t1, .Lcopy_bytes
.Lcopy_align:
    andi t1, t0, 3
    beqz t1, .Lcopy_aligned
    lbu t2, 0(a1)
    sb t2, 0(t0)
    addi a1, a1, 1
    addi t0, t0, 1
    addi a2, a2, -1
    j .Lcopy_align
.Lcopy_aligned:
    andi t1, a1, 3
    bnez t1, .Lcopy_shifted
    li t1, 32
    bltu a2, t1, .Lcopy_words
.Lcopy_blocks:
    lw t2, 0(a1)
    lw t3, 4(a1)
    lw t4, 8(a1)
    lw t5, 12(a1)
    sw t2, 0(t0)
    sw t3, 4(t0)
    sw t4, 8(t0)
    sw t5, 12(t0)
    lw t2, 16(a1)
    lw t3, 20(a1)
    lw t4, 24(a1)
    lw t5, 28(a1)
    sw t2, 16(t0)
    sw t3, 20(t0)
    sw t4, 24(t0)
    sw t5, 28(t0)
    addi a1, a1, 32
    addi t0, t0, 32
    addi a2, a2, -32
    bgeu a2, t1, .Lcopy_blocks
.Lcopy_words:
    li t1, 4
    bltu a2, t1, .Lcopy_bytes
.Lcopy_word:
    lw t2, 0(a1)
    sw t2, 0(t0)
    addi a1, a1, 4
    addi t0, t0, 4
    addi a2, a2, -4
    bgeu a2, t1, .Lcopy_word
.Lcopy_bytes:
    beqz a2, .Lcopy_done
    lbu t2, 0(a1)
    sb t2, 0(t0)
    addi a1, a1, 1
    addi t0, t0, 1
    addi a2, a2, -1
    j .Lcopy_bytes
.Lcopy_done:
    ret
    # Each word comes from two aligned words of the source, both of which hold bytes of it.
.Lcopy_shifted:
    slli t3, t1, 3
    neg t4, t3
    sub t5, a1, t1
    lw t1, 0(t5)
    li a4, 4
    bltu a2, a4, .Lcopy_bytes
.Lcopy_shifted_word:
    lw t2, 4(t5)
    srl t1, t1, t3
    sll a3, t2, t4
    or a3, a3, t1
    sw a3, 0(t0)
    mv t1, t2
    addi t5, t5, 4
    addi a1, a1, 4
    addi t0, t0, 4
    addi a2, a2, -4
    bgeu a2, a4, .Lcopy_shifted_word
    j .Lcopy_bytes
    .size memcpy, . - memcpy

    # memmove(a0 to, a1 from, a2 length); keeps a0.
    .globl memmove
    .type memmove, @function
memmove:
    sub t0, a0, a1
    bgeu t0, a2, memcpy
    add t0, a0, a2
    add a1, a1, a2
    or t1, t0, a1
    andi t1, t1, 3
    bnez t1, .Lmove_bytes
    li t3, 4
.Lmove_words:
    bltu a2, t3, .Lmove_bytes
    addi t0, t0, -4
    addi a1, a1, -4
    lw t2, 0(a1)
    sw t2, 0(t0)
    addi a2, a2, -4
    j .Lmove_words
.Lmove_bytes:
    beqz a2, .Lmove_done
    addi t0, t0, -1
    addi a1, a1, -1
    lbu t2, 0(a1)
    sb t2, 0(t0)
    addi a2, a2, -1
    j .Lmove_bytes
.Lmove_done:
    ret
    .size memmove, . - memmove

    # memset(a0 to, a1 byte, a2 length); keeps a0.
    .globl memset
    .type memset, @function
memset:
    mv t0, a0
    li t1, 8
    bltu a2, t1, .Lset_bytes
.Lset_align:
    andi t1, t0, 3
    beqz t1, .Lset_aligned
    sb a1, 0(t0)
    addi t0, t0, 1
    addi a2, a2, -1
    j .Lset_align
.Lset_aligned:
    andi a1, a1, 255
    slli t1, a1, 8
    or a1, a1, t1
    slli t1, a1, 16
    or a1, a1, t1
    li t1, 32
    bltu a2, t1, .Lset_words
.Lset_blocks:
    sw a1, 0(t0)
    sw a1, 4(t0)
    sw a1, 8(t0)
    sw a1, 12(t0)
    sw a1, 16(t0)
    sw a1, 20(t0)
    sw a1, 24(t0)
    sw a1, 28(t0)
    addi t0, t0, 32
    addi a2, a2, -32
    bgeu a2, t1, .Lset_blocks
.Lset_words:
    li t1, 4
    bltu a2, t1, .Lset_bytes
.Lset_word:
    sw a1, 0(t0)
    addi t0, t0, 4
    addi a2, a2, -4
    bgeu a2, t1, .Lset_word
.Lset_bytes:
    beqz a2, .Lset_done
    sb a1, 0(t0)
    addi t0, t0, 1
    addi a2, a2, -1
    j .Lset_bytes
.Lset_done:
    ret
    .size memset, . - memset

    # memcmp(a0 left, a1 right, a2 length)
    .globl memcmp
    .type memcmp, @function
    .globl bcmp
    .type bcmp, @function
memcmp:
bcmp:
    or t0, a0, a1
    andi t0, t0, 3
    bnez t0, .Lcompare_bytes
    li t0, 4
.Lcompare_words:
    bltu a2, t0, .Lcompare_bytes
    lw t1, 0(a0)
    lw t2, 0(a1)
    bne t1, t2, .Lcompare_bytes
    addi a0, a0, 4
    addi a1, a1, 4
    addi a2, a2, -4
    j .Lcompare_words
.Lcompare_bytes:
    beqz a2, .Lcompare_equal
    lbu t1, 0(a0)
    lbu t2, 0(a1)
    bne t1, t2, .Lcompare_differ
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    j .Lcompare_bytes
.Lcompare_differ:
    sub a0, t1, t2
    ret
.Lcompare_equal:
    li a0, 0
    ret
    .size memcmp, . - memcmp
"#
);
