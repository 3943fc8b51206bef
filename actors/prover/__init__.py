"""Proofs of batches of the ZK chain: by hand, or by a pool of workers.

history     a node's final blocks, read beside the running node
batch       blocks cut into segments, each with its witness
stf         the guest and its key
proofs      segments proved; proof files of batches verified
witnesses   segments of final blocks for the pool, and their halves
frontier    the state where these have come to, on disk
witness_actor  the same as a Ray actor
pool        the queue, its workers, and what is published
"""
