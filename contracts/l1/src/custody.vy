# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title What the Rollup holds
@license Apache-2.0
@notice ETH and tokens that were deposited. Only `Exits` orders a release, and it does so only against
        a state proof, or for a deposit that was never consumed. Nobody else can touch them; the
        address of `Exits` is fixed for ever.
"""

import l1_constants as zk
import message_queue as queue

uses: queue


interface IERC721:
    def ownerOf(token_id: uint256) -> address: view
    def transferFrom(owner: address, receiver: address, token_id: uint256): nonpayable


# @dev Gas limit of the message that mints a deposited token's twin on the ZK chain.
MINT_GAS_LIMIT: constant(uint256) = 500_000

# @dev Call data of that message: a selector and three words.
MINT_DATA_BYTES: constant(uint256) = 100


# @dev The `Exits` contract.
exits: public(immutable(address))

# @dev Token contract and id to whether the token was deposited and has not left.
is_in_custody: public(HashMap[address, HashMap[uint256, bool]])

# @dev Nonce of a token's deposit to who made it.
token_depositor: public(HashMap[uint256, address])


@deploy
def __init__(exits_contract: address):
    """
    @dev Fixes who orders releases; see `Rollup.__init__`.
    """
    exits = exits_contract


@external
@nonreentrant
def release_eth(receiver: address, value_wei: uint256):
    """
    @dev Sends ETH. Only by `Exits`; reverts if the receiver refuses it.
    @param receiver The 20-byte address to pay.
    @param value_wei The ETH in wei.
    """
    assert msg.sender == exits, "custody: caller is not the exits contract"
    raw_call(receiver, b"", value=value_wei)


@external
@nonreentrant
def release_token(token: address, token_id: uint256, receiver: address):
    """
    @dev Gives a token out. Only by `Exits`; reverts if it is not in custody. The receiver is not asked,
         so that it cannot refuse.
    @param token The 20-byte address of the token contract.
    @param token_id The id of the token.
    @param receiver The 20-byte address that gets it.
    """
    assert msg.sender == exits, "custody: caller is not the exits contract"
    assert self.is_in_custody[token][token_id], "custody: the token is not here"
    self.is_in_custody[token][token_id] = False
    extcall IERC721(token).transferFrom(self, receiver, token_id)


@internal
def _take_token(token: address, token_id: uint256, receiver: address) -> uint256:
    """
    @dev Takes a token into custody and orders its twin on the ZK chain; see `Rollup.deposit_token`.
    """
    assert receiver != empty(address), "custody: zero receiver"
    assert not self.is_in_custody[token][token_id], "custody: the token is here already"
    self.is_in_custody[token][token_id] = True
    data: Bytes[MINT_DATA_BYTES] = abi_encode(
        token, token_id, receiver, method_id=method_id("mint_from_l1(address,uint256,address)")
    )
    nonce: uint256 = queue._enqueue(self, zk.BRIDGED_TOKENS, 0, MINT_GAS_LIMIT, data)
    self.token_depositor[nonce] = msg.sender
    extcall IERC721(token).transferFrom(msg.sender, self, token_id)
    holder: address = staticcall IERC721(token).ownerOf(token_id)
    assert holder == self, "custody: the token did not come"
    return nonce
