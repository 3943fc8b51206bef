"""Validity proofs: a RISC-V zkVM whose STARK prover is written in JAX.

    field, ntt       KoalaBear and its degree-4 extension: plain integers, and arrays
    commitment       SHA-256 Merkle trees over matrices of different heights
    transcript, fri  Fiat-Shamir and the low-degree test
    air              the language in which each chip is written once
    stark            keys, proof, prover and verifier
    machine, chips   RV32IM: loader and executor; its constraints, one file per chip
    traces           from the executor's records to the chips' columns

The verifier (`proving.stark.verifier` and all that it imports) is plain Python over integers.
"""
