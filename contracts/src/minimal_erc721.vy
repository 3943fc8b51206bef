# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title ERC-721 without extensions
@license Apache-2.0
@notice Owners, balances, approvals and transfers (ERC-721), nothing else, and no constructor, so that a
        predeploy can have it. `_mint` and `_burn` are for the contract that initializes the module.

@custom:security `transferFrom` does not ask the receiver. `safeTransferFrom` calls it, after the token
        has changed hands.
"""

interface IERC721Receiver:
    def onERC721Received(
        operator: address, previous: address, token_id: uint256, data: Bytes[1024]
    ) -> bytes4: nonpayable


# @dev Interfaces that `supportsInterface` answers for: ERC-165, ERC-721, and its metadata.
INTERFACES: constant(bytes4[3]) = [0x01ffc9a7, 0x80ac58cd, 0x5b5e139f]


event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    token_id: indexed(uint256)


event Approval:
    owner: indexed(address)
    approved: indexed(address)
    token_id: indexed(uint256)


event ApprovalForAll:
    owner: indexed(address)
    operator: indexed(address)
    approved: bool


# @dev Token to its owner; zero for none. L1 proves this slot: keep it in place.
_owner_of: HashMap[uint256, address]

# @dev Owner to the number of tokens.
_balance_of: HashMap[address, uint256]

# @dev Token to who may transfer it beside its owner.
_approved: HashMap[uint256, address]

# @dev Owner and operator to whether the operator may transfer all the owner's tokens.
isApprovedForAll: public(HashMap[address, HashMap[address, bool]])


@external
@view
def ownerOf(token_id: uint256) -> address:
    """
    @dev Returns the owner of a token; reverts if there is none.
    @param token_id The token.
    @return address The 20-byte owner address.
    """
    return self._require_owner(token_id)


@external
@view
def balanceOf(owner: address) -> uint256:
    """
    @dev Returns how many tokens an address owns.
    @param owner The 20-byte owner address.
    @return uint256 The number.
    """
    assert owner != empty(address), "erc721: zero address"
    return self._balance_of[owner]


@external
@view
def getApproved(token_id: uint256) -> address:
    """
    @dev Returns who may transfer a token beside its owner.
    @param token_id The token.
    @return address The 20-byte address; zero for nobody.
    """
    self._require_owner(token_id)
    return self._approved[token_id]


@external
@view
def supportsInterface(interface_id: bytes4) -> bool:
    """
    @dev Returns whether an interface is implemented (ERC-165).
    @param interface_id The interface's id.
    """
    return interface_id in INTERFACES


@external
@payable
def approve(approved: address, token_id: uint256):
    """
    @dev Lets an address transfer a token. By its owner, or who may transfer all of the owner's tokens.
    @param approved The 20-byte address; zero for nobody.
    @param token_id The token.
    """
    owner: address = self._require_owner(token_id)
    is_allowed: bool = msg.sender == owner or self.isApprovedForAll[owner][msg.sender]
    assert is_allowed, "erc721: caller may not approve"
    self._approved[token_id] = approved
    log Approval(owner=owner, approved=approved, token_id=token_id)


@external
def setApprovalForAll(operator: address, approved: bool):
    """
    @dev Lets an address transfer all of the caller's tokens, or no longer.
    @param operator The 20-byte address.
    @param approved Whether it may.
    """
    self.isApprovedForAll[msg.sender][operator] = approved
    log ApprovalForAll(owner=msg.sender, operator=operator, approved=approved)


@external
@payable
def transferFrom(owner: address, receiver: address, token_id: uint256):
    """
    @dev Transfers a token. By its owner, or who may.
    @param owner The 20-byte owner address.
    @param receiver The 20-byte receiver address.
    @param token_id The token.
    """
    self._transfer_as_caller(owner, receiver, token_id)


@external
@payable
def safeTransferFrom(
    owner: address, receiver: address, token_id: uint256, data: Bytes[1024] = b""
):
    """
    @dev Transfers a token and, if the receiver is a contract, asks whether it takes it.
    @param owner The 20-byte owner address.
    @param receiver The 20-byte receiver address.
    @param token_id The token.
    @param data What the receiver is told.
    """
    self._transfer_as_caller(owner, receiver, token_id)
    if receiver.is_contract:
        answer: bytes4 = extcall IERC721Receiver(receiver).onERC721Received(
            msg.sender, owner, token_id, data
        )
        is_accepted: bool = answer == method_id(
            "onERC721Received(address,address,uint256,bytes)", output_type=bytes4
        )
        assert is_accepted, "erc721: the receiver refuses"


@internal
def _transfer_as_caller(owner: address, receiver: address, token_id: uint256):
    """
    @dev Transfers a token if the caller may.
    """
    is_allowed: bool = (
        msg.sender == owner
        or self._approved[token_id] == msg.sender
        or self.isApprovedForAll[owner][msg.sender]
    )
    assert self._require_owner(token_id) == owner, "erc721: another owner"
    assert is_allowed, "erc721: caller may not transfer"
    assert receiver != self, "erc721: the contract itself takes no token"
    self._move(owner, receiver, token_id)


@internal
def _mint(receiver: address, token_id: uint256):
    """
    @dev Makes a token that does not exist.
    """
    assert self._owner_of[token_id] == empty(address), "erc721: the token exists"
    assert receiver != empty(address), "erc721: zero receiver"
    self._balance_of[receiver] += 1
    self._owner_of[token_id] = receiver
    log Transfer(sender=empty(address), receiver=receiver, token_id=token_id)


@internal
def _burn(token_id: uint256):
    """
    @dev Ends a token.
    """
    owner: address = self._require_owner(token_id)
    self._approved[token_id] = empty(address)
    self._owner_of[token_id] = empty(address)
    self._balance_of[owner] -= 1
    log Transfer(sender=owner, receiver=empty(address), token_id=token_id)


@internal
def _move(owner: address, receiver: address, token_id: uint256):
    """
    @dev Gives a token of `owner` to `receiver`.
    """
    assert receiver != empty(address), "erc721: zero receiver"
    self._approved[token_id] = empty(address)
    self._balance_of[owner] -= 1
    self._balance_of[receiver] += 1
    self._owner_of[token_id] = receiver
    log Transfer(sender=owner, receiver=receiver, token_id=token_id)


@internal
@view
def _require_owner(token_id: uint256) -> address:
    """
    @dev Returns the owner of a token; reverts if there is none.
    """
    owner: address = self._owner_of[token_id]
    assert owner != empty(address), "erc721: no such token"
    return owner
