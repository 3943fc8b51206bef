"""Proofs of batches of the ZK chain, without Ray.

history     a node's final blocks, read beside the running node
batch       blocks cut into segments, each with its witness
stf         the guest and its key
proofs      segments proved; proof files of batches verified
"""
