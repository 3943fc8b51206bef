# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title A receiver that calls back while it is paid
@license Apache-2.0
@notice Only for tests. Whatever it is told to call, it calls with every ETH and every token that
        comes in, and notes whether the call succeeded.
"""

target: public(address)
call_data: public(Bytes[16384])
call_count: public(uint256)
has_succeeded: public(bool)
is_refusing: public(bool)
is_lying: public(bool)


@deploy
@payable
def __init__():
    pass


@external
@payable
def __default__():
    self._call_back()


@external
def transferFrom(owner: address, receiver: address, token_id: uint256):
    self._call_back()


@external
@view
def ownerOf(token_id: uint256) -> address:
    return self if self.is_lying else msg.sender


@external
def arm(target: address, call_data: Bytes[16384]):
    self.target = target
    self.call_data = call_data


@external
def refuse(is_refusing: bool):
    self.is_refusing = is_refusing


@external
def lie(is_lying: bool):
    self.is_lying = is_lying


@internal
def _call_back():
    assert not self.is_refusing, "attacker: no"
    if self.target == empty(address):
        return
    self.call_count += 1
    is_success: bool = raw_call(self.target, self.call_data, revert_on_failure=False)
    if is_success:
        self.has_succeeded = True
