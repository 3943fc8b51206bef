# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title TestToken: an ERC-721 token on L1 for demonstrations and tests
@license Apache-2.0
@notice Anyone mints.
@custom:security Worth nothing.
"""

import minimal_erc721 as erc721

initializes: erc721

exports: erc721.__interface__


@external
def mint(receiver: address, token_id: uint256):
    """
    @dev Mints a token that does not exist.
    @param receiver The 20-byte address that gets it.
    @param token_id The id of the token.
    """
    erc721._mint(receiver, token_id)


@external
@pure
def name() -> String[32]:
    """
    @dev Returns the name of the collection.
    """
    return "Braid Test Token"


@external
@pure
def symbol() -> String[8]:
    """
    @dev Returns the symbol of the collection.
    """
    return "BTEST"


@external
@pure
def tokenURI(token_id: uint256) -> String[1]:
    """
    @dev Returns the empty text: there is nothing to say of a token.
    @param token_id The token.
    """
    return ""
