# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Market: ERC-721 tokens for a fixed price in ETH
@license Apache-2.0
@notice Tokens stay with their sellers until they are sold; the market needs the seller's approval.
        Proceeds are withdrawn by the seller. A listing whose token was moved, or is no longer
        approved, cannot be bought: the purchase reverts and the buyer keeps the ETH.

@custom:security A token contract is its creator's code: a hostile one can spoil trade in its own
        tokens only. A listing outlives the token's absence: who moves a listed token away and gets
        it back should cancel or list anew.
"""

from ethereum.ercs import IERC721


struct Listing:
    seller: address
    price_wei: uint256


event Listed:
    token: indexed(address)
    token_id: indexed(uint256)
    seller: indexed(address)
    price_wei: uint256


event Cancelled:
    token: indexed(address)
    token_id: indexed(uint256)


event Sold:
    token: indexed(address)
    token_id: indexed(uint256)
    seller: address
    buyer: address
    price_wei: uint256


event Withdrawn:
    seller: indexed(address)
    receiver: indexed(address)
    value_wei: uint256


# @dev Token contract and token id to what is asked for it.
listings: public(HashMap[address, HashMap[uint256, Listing]])

# @dev Seller to the wei that may be withdrawn.
proceeds_wei: public(HashMap[address, uint256])


@external
def list_token(token: address, token_id: uint256, price_wei: uint256):
    """
    @dev Offers a token of the caller's, or changes its price.
    @param token The token contract.
    @param token_id The token's id.
    @param price_wei The price; not zero.
    """
    assert price_wei > 0, "market: no price"
    is_owner: bool = staticcall IERC721(token).ownerOf(token_id) == msg.sender
    assert is_owner, "market: caller does not own the token"
    assert self._is_approved(token, token_id, msg.sender), "market: the token is not approved"
    self.listings[token][token_id] = Listing(seller=msg.sender, price_wei=price_wei)
    log Listed(token=token, token_id=token_id, seller=msg.sender, price_wei=price_wei)


@external
def cancel(token: address, token_id: uint256):
    """
    @dev Takes an offer back. By its seller, or by anyone once the seller no longer owns the token.
    @param token The token contract.
    @param token_id The token's id.
    """
    seller: address = self.listings[token][token_id].seller
    assert seller != empty(address), "market: not listed"
    if seller != msg.sender:
        is_owned: bool = staticcall IERC721(token).ownerOf(token_id) == seller
        assert not is_owned, "market: caller is not the seller"
    self.listings[token][token_id] = empty(Listing)
    log Cancelled(token=token, token_id=token_id)


@external
@payable
def buy(token: address, token_id: uint256):
    """
    @dev Buys a listed token for exactly its price.
    @param token The token contract.
    @param token_id The token's id.
    """
    # GUARDS
    listing: Listing = self.listings[token][token_id]
    assert listing.seller != empty(address), "market: not listed"
    assert msg.value == listing.price_wei, "market: wrong price"
    is_owned: bool = staticcall IERC721(token).ownerOf(token_id) == listing.seller
    assert is_owned, "market: the seller no longer owns the token"
    assert self._is_approved(token, token_id, listing.seller), "market: the token is not approved"

    # EFFECTS
    self.listings[token][token_id] = empty(Listing)
    self.proceeds_wei[listing.seller] += msg.value
    log Sold(
        token=token,
        token_id=token_id,
        seller=listing.seller,
        buyer=msg.sender,
        price_wei=msg.value,
    )

    # TRANSFER
    extcall IERC721(token).transferFrom(listing.seller, msg.sender, token_id)
    is_received: bool = staticcall IERC721(token).ownerOf(token_id) == msg.sender
    assert is_received, "market: the token did not move"


@external
def withdraw(receiver: address):
    """
    @dev Pays out the caller's proceeds.
    @param receiver The 20-byte address to pay.
    """
    amount: uint256 = self.proceeds_wei[msg.sender]
    assert amount > 0, "market: nothing to withdraw"
    self.proceeds_wei[msg.sender] = 0
    log Withdrawn(seller=msg.sender, receiver=receiver, value_wei=amount)
    raw_call(receiver, b"", value=amount)


@internal
@view
def _is_approved(token: address, token_id: uint256, owner: address) -> bool:
    """
    @dev Returns whether the market may transfer a token of `owner`.
    """
    approved: address = staticcall IERC721(token).getApproved(token_id)
    if approved == self:
        return True
    return staticcall IERC721(token).isApprovedForAll(owner, self)
