# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title What the ZK chain pays out on L1
@license Apache-2.0
@notice A withdrawal is one hash at its index, which the contracts on L1 prove under a final state root
        and pay once. Written down, it cannot be taken back here.

        What is withdrawn stays with the Portal: on the ZK chain the Portal's balance, beyond what is
        locked towards the fast chain, stands for the ETH that is on L1. Deposits are paid from it and
        withdrawals return to it.
"""

import predeploy_addresses as predeploys


event WithdrawalRequested:
    index: indexed(uint256)
    sender: indexed(address)
    receiver: indexed(address)
    value_wei: uint256
    l1_token: address
    token_id: uint256


# @dev Chain id of the L1 that this chain settles on; zero for none. Set in genesis.
l1_chain_id: public(uint256)

# @dev Index that the next withdrawal gets.
next_withdrawal_index: public(uint256)

# @dev Index to keccak256 of `abi.encode(index, sender, receiver, value, L1 token, token id)`. L1 proves
# this slot: keep it in place.
withdrawals: public(HashMap[uint256, bytes32])


@external
@payable
def withdraw(receiver: address) -> uint256:
    """
    @dev Takes the ETH of this call off the ZK chain.
    @notice It can be paid out on L1 once a batch with this block is final there. A receiver that is a
            contract must accept ETH.
    @param receiver The 20-byte address on L1 that gets it.
    @return uint256 The index of the withdrawal.
    """
    assert msg.value > 0, "portal: nothing to withdraw"
    assert receiver != empty(address), "portal: zero receiver"
    return self._record(msg.sender, receiver, msg.value, empty(address), 0)


@external
def withdraw_token(
    sender: address, receiver: address, l1_token: address, token_id: uint256
) -> uint256:
    """
    @dev Takes a bridged token off the ZK chain. Only by `BridgedTokens`, which has burned it.
    @param sender The 20-byte address that owned it.
    @param receiver The 20-byte address on L1 that gets it.
    @param l1_token The 20-byte address of the token contract on L1.
    @param token_id The id of the token on L1.
    @return uint256 The index of the withdrawal.
    """
    assert msg.sender == predeploys.BRIDGED_TOKENS, "portal: caller is not the bridged tokens"
    return self._record(sender, receiver, 0, l1_token, token_id)


@internal
def _record(
    sender: address, receiver: address, value_wei: uint256, l1_token: address, token_id: uint256
) -> uint256:
    """
    @dev Writes a withdrawal down.
    @return uint256 Its index.
    """
    assert self.l1_chain_id != 0, "portal: no L1 behind this chain"
    index: uint256 = self.next_withdrawal_index
    self.next_withdrawal_index = index + 1
    self.withdrawals[index] = keccak256(
        abi_encode(index, sender, receiver, value_wei, l1_token, token_id)
    )
    log WithdrawalRequested(
        index=index,
        sender=sender,
        receiver=receiver,
        value_wei=value_wei,
        l1_token=l1_token,
        token_id=token_id,
    )
    return index
