"""SHA-256 Merkle trees over matrices of different heights.

merkle      commit to matrices and open rows (prover)
verify      check an opening against a root, plain integers only (verifier)
hashing     SHA-256 of every row of column-major matrices: compiled loops on CPUs, XLA elsewhere
"""
