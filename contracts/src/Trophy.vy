# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Trophy: the ERC-721 token that a game's rounds give
@license AGPL-3.0-only (contains snekmate's ERC-721)
@notice Lives on the ZK chain. Only the `RoundGuard` mints, so that each trophy has spent a cap. The
        owner of this contract owns the game.
"""

from ethereum.ercs import IERC165
from ethereum.ercs import IERC721
from snekmate.auth import ownable
from snekmate.tokens import erc721

import predeploy_addresses as predeploys

implements: IERC165
implements: IERC721

initializes: ownable
initializes: erc721[ownable := ownable]

exports: (
    erc721.DOMAIN_SEPARATOR,
    erc721.approve,
    erc721.balanceOf,
    erc721.eip712Domain,
    erc721.getApproved,
    erc721.isApprovedForAll,
    erc721.name,
    erc721.nonces,
    erc721.owner,
    erc721.ownerOf,
    erc721.permit,
    erc721.safeTransferFrom,
    erc721.setApprovalForAll,
    erc721.supportsInterface,
    erc721.symbol,
    erc721.tokenByIndex,
    erc721.tokenOfOwnerByIndex,
    erc721.tokenURI,
    erc721.totalSupply,
    erc721.transferFrom,
    ownable.transfer_ownership,
)


@deploy
def __init__():
    """
    @dev The deployer becomes the owner of the game.
    """
    ownable.__init__()
    erc721.__init__("Braid Trophy", "TROPH", "", "Braid Trophy", "1")


@external
def mint(receiver: address):
    """
    @dev Mints a trophy. Only by the `RoundGuard`. Plain mint: a receiver that is a contract is not
         called, so that none can spoil a report.
    @param receiver The 20-byte address that gets it.
    """
    assert msg.sender == predeploys.ROUND_GUARD, "trophy: caller is not the round guard"
    token_id: uint256 = erc721._counter
    erc721._counter = token_id + 1
    erc721._mint(receiver, token_id)


@external
@view
def minter() -> address:
    """
    @dev Returns the only address that mints.
    """
    return predeploys.ROUND_GUARD
