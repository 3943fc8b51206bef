"""The machine: RV32IM with byte-addressed memory, and five accelerators behind `ecall`.

    layout         address map, ecall numbers, limits
    instructions   opcodes, and the decoder from words to normalised instructions
    elf, program   from an ELF file to the program table and the initial memory
    state          the arrays that a run works on, and its limits
    kernel         the interpreter's loop, compiled by numba
    ecalls         what the guest asks of the machine; keccak and accelerators compute it
    executor       runs a program on an input and records what the chips prove: `execution`
    records        what each number in a record is
    profile        cycles by function
    benchmark_program   mixed work of a wanted number of cycles
    errors         every way in which a program, an ELF file or a run is refused

`layout`, `instructions`, `records` and `errors` import no numpy: the verifier may use them.
"""
