"""A node's side of settlement, around the package ``settlement``.

blocks     final blocks, from the node's own stores
jobs       proofs, from the node's prover pool
deploying  the contracts, where they are not on L1 yet
errors     what the node's other parts see of it
node       all of it put together, and the loop that runs it
actor      the shell
"""
