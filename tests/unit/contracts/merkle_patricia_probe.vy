# pragma version 0.4.3
"""
@title Opens the internal functions of `merkle_patricia` to the tests
"""

import merkle_patricia


@external
@view
def prove(
    root: bytes32,
    key: bytes32,
    proof: DynArray[Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES],
) -> Bytes[merkle_patricia.MAX_VALUE_BYTES]:
    return merkle_patricia._prove(root, key, proof)


@external
@view
def prove_slot(
    root: bytes32,
    slot: bytes32,
    proof: DynArray[Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES],
) -> uint256:
    return merkle_patricia._prove_slot(root, slot, proof)


@external
@view
def prove_account(
    root: bytes32,
    account: address,
    proof: DynArray[Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES],
) -> bytes32:
    return merkle_patricia._prove_account(root, account, proof)


@external
@view
def prove_balance(
    root: bytes32,
    account: address,
    proof: DynArray[Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES],
) -> uint256:
    return merkle_patricia._prove_balance(root, account, proof)
