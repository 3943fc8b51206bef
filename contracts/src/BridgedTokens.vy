# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title BridgedTokens: ERC-721 tokens of L1, on both chains
@license Apache-2.0
@notice One source, one address, both chains. A token of L1 has the id keccak256(abi.encode(L1 token
        contract, L1 token id)) on both. It is in one place at a time:

            L1 (Rollup's custody) <-> ZK chain <-> fast chain

        ZK chain: a message of the Rollup on L1 mints it; `withdraw` burns it and writes down that the
        Rollup gives the original out. `send_to_fast` locks it here and orders its twin on the fast
        chain; a message from there unlocks it again, for whom it names.

        Fast chain: a message of the ZK chain mints the twin; `send_back` burns it and orders the
        unlocking.

        Conservation. The fast chain's execution is not proved. So the ZK chain unlocks only what is
        locked, by the serial of that very lock; a lying fast chain can steal what is locked,
        `locked_tokens` in number, and nothing else. Nothing is ever minted here on its word.

        No token is lost. A delivery can fail only where the token is not what the message says, that
        is after one of the chains has lied: its gas limit is far above what it uses, the receiver is
        not called, and a zero receiver was refused when it was sent. Should it fail still, the message
        is parked by the Portal and can be retried, and the token stays where it was: locked, or
        burned with a message that nothing else can replace. A message is delivered once, and each
        lock has its own serial, so the token is never both locked and free.

@custom:security What is on the fast chain depends on that chain's execution, up to the loss bound: do
        not send a token there that you cannot risk.
"""

from ethereum.ercs import IERC165
from ethereum.ercs import IERC721

import minimal_erc721 as erc721
import predeploy_addresses as predeploys

implements: IERC165
implements: IERC721

initializes: erc721

exports: erc721.__interface__


interface IPortal:
    def is_asset_side() -> bool: view
    def l1_chain_id() -> uint256: view
    def message_sender() -> address: view
    def message_source_chain() -> uint256: view
    def remote_chain_id() -> uint256: view
    def send(target: address, gas_limit: uint256, data: Bytes[164]) -> uint256: nonpayable
    def withdraw_token(
        sender: address, receiver: address, l1_token: address, token_id: uint256
    ) -> uint256: nonpayable


# @dev Gas limit of the messages between the two chains: several times what they use.
MESSAGE_GAS_LIMIT: constant(uint256) = 500_000


event Minted:
    token_id: indexed(uint256)
    l1_token: indexed(address)
    receiver: indexed(address)
    l1_token_id: uint256
    serial: uint256


event SentToFast:
    token_id: indexed(uint256)
    owner: indexed(address)
    receiver: indexed(address)
    serial: uint256


event SentBack:
    token_id: indexed(uint256)
    owner: indexed(address)
    receiver: indexed(address)
    serial: uint256


event Unlocked:
    token_id: indexed(uint256)
    receiver: indexed(address)
    serial: uint256


event WithdrawnToL1:
    token_id: indexed(uint256)
    owner: indexed(address)
    receiver: indexed(address)
    withdrawal_index: uint256


# @dev A token of L1.
struct Original:
    l1_token: address
    l1_token_id: uint256


# @dev ZK chain: token to who locked it towards the fast chain; zero if it is not locked. L1 proves this
# slot: keep it in place.
locked_by: public(HashMap[uint256, address])

# @dev ZK chain: token to the serial of its lock, from 1; zero if it is not locked. Fast chain: the
# serial of the lock that the token was last minted for.
serial_of: public(HashMap[uint256, uint256])

# @dev ZK chain: serial that the next lock gets, less one.
last_serial: public(uint256)

# @dev ZK chain: how many tokens are locked, so how many a lying fast chain could take.
locked_tokens: public(uint256)

# @dev Token to what it stands for.
original_of: public(HashMap[uint256, Original])

# @dev ZK chain: the Rollup on L1. Set in genesis.
rollup: public(address)


@external
def mint_from_l1(l1_token: address, l1_token_id: uint256, receiver: address):
    """
    @dev Mints a token that the Rollup has taken into custody. Only by a message of the Rollup on L1.
    @param l1_token The 20-byte address of the token contract on L1.
    @param l1_token_id The id of the token on L1.
    @param receiver The 20-byte address that gets it.
    """
    l1_chain: uint256 = staticcall IPortal(predeploys.PORTAL).l1_chain_id()
    assert l1_chain != 0, "bridged: no L1 behind this chain"
    self._require_message(l1_chain, self.rollup)
    token_id: uint256 = self._token_id(l1_token, l1_token_id)
    self._mint(token_id, l1_token, l1_token_id, receiver, 0)


@external
def withdraw(token_id: uint256, l1_receiver: address) -> uint256:
    """
    @dev Burns a token; the original can be taken out on L1. Only on the ZK chain, by its owner.
    @param token_id The token.
    @param l1_receiver The 20-byte address on L1 that gets the original.
    @return uint256 The index of the withdrawal.
    """
    self._require_asset_side(True)
    self._require_caller_owns(token_id)
    assert l1_receiver != empty(address), "bridged: zero receiver"
    original: Original = self.original_of[token_id]
    erc721._burn(token_id)
    index: uint256 = extcall IPortal(predeploys.PORTAL).withdraw_token(
        msg.sender, l1_receiver, original.l1_token, original.l1_token_id
    )
    log WithdrawnToL1(
        token_id=token_id, owner=msg.sender, receiver=l1_receiver, withdrawal_index=index
    )
    return index


@external
def send_to_fast(token_id: uint256, receiver: address) -> uint256:
    """
    @dev Locks a token and orders its twin on the fast chain. Only on the ZK chain, by its owner.
    @param token_id The token.
    @param receiver The 20-byte address that gets the twin on the fast chain.
    @return uint256 The nonce of the message.
    """
    self._require_asset_side(True)
    self._require_caller_owns(token_id)
    assert receiver != empty(address), "bridged: zero receiver"
    serial: uint256 = self.last_serial + 1
    self.last_serial = serial
    self.serial_of[token_id] = serial
    self.locked_by[token_id] = msg.sender
    self.locked_tokens += 1
    erc721._move(msg.sender, self, token_id)
    log SentToFast(token_id=token_id, owner=msg.sender, receiver=receiver, serial=serial)

    original: Original = self.original_of[token_id]
    return extcall IPortal(predeploys.PORTAL).send(
        self,
        MESSAGE_GAS_LIMIT,
        abi_encode(
            original.l1_token,
            original.l1_token_id,
            receiver,
            serial,
            method_id=method_id("receive_from_zk(address,uint256,address,uint256)"),
        ),
    )


@external
def receive_from_zk(l1_token: address, l1_token_id: uint256, receiver: address, serial: uint256):
    """
    @dev Mints the twin of a token that the ZK chain has locked. Only on the fast chain, by a message of
         `BridgedTokens` on the ZK chain.
    @param l1_token The 20-byte address of the token contract on L1.
    @param l1_token_id The id of the token on L1.
    @param receiver The 20-byte address that gets the twin.
    @param serial The serial of the lock.
    """
    self._require_asset_side(False)
    self._require_message_of_twin()
    token_id: uint256 = self._token_id(l1_token, l1_token_id)
    # A message that waited, parked, while its token was sent again is of no use any more.
    assert serial > self.serial_of[token_id], "bridged: an older lock"
    self.serial_of[token_id] = serial
    self._mint(token_id, l1_token, l1_token_id, receiver, serial)


@external
def send_back(token_id: uint256, receiver: address) -> uint256:
    """
    @dev Burns a token and orders that the ZK chain unlocks it. Only on the fast chain, by its owner.
    @param token_id The token.
    @param receiver The 20-byte address that gets it on the ZK chain.
    @return uint256 The nonce of the message.
    """
    self._require_asset_side(False)
    self._require_caller_owns(token_id)
    assert receiver != empty(address), "bridged: zero receiver"
    serial: uint256 = self.serial_of[token_id]
    erc721._burn(token_id)
    log SentBack(token_id=token_id, owner=msg.sender, receiver=receiver, serial=serial)
    return extcall IPortal(predeploys.PORTAL).send(
        self,
        MESSAGE_GAS_LIMIT,
        abi_encode(
            token_id,
            receiver,
            serial,
            method_id=method_id("receive_from_fast(uint256,address,uint256)"),
        ),
    )


@external
def receive_from_fast(token_id: uint256, receiver: address, serial: uint256):
    """
    @dev Unlocks a token. Only on the ZK chain, by a message of `BridgedTokens` on the fast chain.
    @param token_id The token.
    @param receiver The 20-byte address that gets it.
    @param serial The serial of its lock.
    """
    self._require_asset_side(True)
    self._require_message_of_twin()
    is_locked: bool = serial != 0 and self.serial_of[token_id] == serial
    assert is_locked, "bridged: not locked by this serial"
    self.serial_of[token_id] = 0
    self.locked_by[token_id] = empty(address)
    self.locked_tokens -= 1
    erc721._move(self, receiver, token_id)
    log Unlocked(token_id=token_id, receiver=receiver, serial=serial)


@external
@pure
def token_id_of(l1_token: address, l1_token_id: uint256) -> uint256:
    """
    @dev Returns the id that a token of L1 has here.
    @param l1_token The 20-byte address of the token contract on L1.
    @param l1_token_id The id of the token on L1.
    @return uint256 The id.
    """
    return self._token_id(l1_token, l1_token_id)


@external
@pure
def name() -> String[32]:
    """
    @dev Returns the name of the collection.
    """
    return "Braid Bridged Tokens"


@external
@pure
def symbol() -> String[8]:
    """
    @dev Returns the symbol of the collection.
    """
    return "BRIDGED"


@external
@pure
def tokenURI(token_id: uint256) -> String[1]:
    """
    @dev Returns the empty text: what a token is, the contract on L1 says; see `original_of`.
    @param token_id The token.
    """
    return ""


@internal
def _mint(
    token_id: uint256,
    l1_token: address,
    l1_token_id: uint256,
    receiver: address,
    serial: uint256,
):
    """
    @dev Mints a token, and notes what it stands for.
    """
    erc721._mint(receiver, token_id)
    self.original_of[token_id] = Original(l1_token=l1_token, l1_token_id=l1_token_id)
    log Minted(
        token_id=token_id,
        l1_token=l1_token,
        receiver=receiver,
        l1_token_id=l1_token_id,
        serial=serial,
    )


@internal
@view
def _require_asset_side(expected: bool):
    """
    @dev Reverts on the other chain.
    """
    is_asset_side: bool = staticcall IPortal(predeploys.PORTAL).is_asset_side()
    assert is_asset_side == expected, "bridged: not on this chain"


@internal
@view
def _require_caller_owns(token_id: uint256):
    """
    @dev Reverts unless the caller owns a token.
    """
    assert erc721._require_owner(token_id) == msg.sender, "bridged: caller is not the owner"


@internal
@view
def _require_message_of_twin():
    """
    @dev Reverts unless this call is a message of `BridgedTokens` on the other chain.
    """
    other_chain: uint256 = staticcall IPortal(predeploys.PORTAL).remote_chain_id()
    self._require_message(other_chain, self)


@internal
@view
def _require_message(source_chain: uint256, sender: address):
    """
    @dev Reverts unless this call is a message of `sender` on `source_chain`.
    """
    assert msg.sender == predeploys.PORTAL, "bridged: caller is not the portal"
    source: uint256 = staticcall IPortal(predeploys.PORTAL).message_source_chain()
    assert source == source_chain, "bridged: another source chain"
    author: address = staticcall IPortal(predeploys.PORTAL).message_sender()
    assert author == sender, "bridged: another sender"


@internal
@pure
def _token_id(l1_token: address, l1_token_id: uint256) -> uint256:
    """
    @dev Returns the id that a token of L1 has here.
    """
    return convert(keccak256(abi_encode(l1_token, l1_token_id)), uint256)
