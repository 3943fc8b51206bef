"""The rules of the one ledger with two chains, and of what crosses between them.

    outbox        leaves and root of a block's messages
    digests       the latest blocks, which checkpoints have to name
    state         what the rules need to judge the next block; `initial_state`
    checkpoints   which checkpoints count, and what they change
    l1_queue      which entries of L1's queue the ledger takes
    membership    the next epoch's validator set, and where it begins
    quarantine    cutting the fast chain off, and resuming by replay
    work          what a block's execution starts with
    rules         `apply_block`: all of the above in their order
    proposing     what a leader puts into a block
    attestations  from signed execution results to certificates, with names for liars
    triggers      when a validator votes for quarantine
    exposure      the loss bound

Pure: no clock, no randomness, no IO. Imports the ledger only.
"""
