# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title What the RoundGuard owes, to be fetched
@license Apache-2.0
@notice Payouts to players, and leftovers and bonds to owners of rounds. Nobody is paid in the middle of
        something else: whoever is owed calls `withdraw`.
"""

event Withdrawn:
    owner: indexed(address)
    receiver: indexed(address)
    value: uint256


# @dev Wei that an address may withdraw.
credit_wei: public(HashMap[address, uint256])


@external
def withdraw(receiver: address):
    """
    @dev Pays out everything that is credited to the caller.
    @param receiver The 20-byte address to pay.
    """
    amount: uint256 = self.credit_wei[msg.sender]
    assert amount > 0, "round guard: nothing to withdraw"
    self.credit_wei[msg.sender] = 0
    log Withdrawn(owner=msg.sender, receiver=receiver, value=amount)
    raw_call(receiver, b"", value=amount)
