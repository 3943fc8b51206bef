"""The proofs verified on L1: programs of the chips, the key's description, calls, progress, gas.

instructions what the contract's interpreter understands, and its bytes
lowering     from a chip's constraints to instructions on registers
slots        from registers to slots of memory
programs     the programs of a whole machine
description  what the contract knows about a verifying key
queue        the order in which the contract asks queries
encoding     a proof in the bytes that the contract reads
calls        a proof cut into transactions
deployment   the transactions that put a verifier on a chain
progress     how far a session is
costs        gas and bytes of each step

Nothing here imports an array library.
"""
