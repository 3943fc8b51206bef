"""The STARK: chips of several heights, their buses, and one low-degree test for all of them.

machine             what is proved: the chips, what the verifier adds, limits of heights
air_digest          one hash over all chips
keys                the verifying key
instance            what keys and heights determine: tables, trees, matrices
proof, codec        what the prover sends, and its bytes
transcript_order    what is said when; shared by prover and verifier
verifier            the protocol in words, and its check on plain integers
constraint_check, reduced_openings
                    two of its steps
setup               the proving key
prover              the prover, on arrays; its phases: lookups, quotient, deep
"""
