# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title AccessPass: the ERC-721 token whose owner may play
@license AGPL-3.0-only (contains snekmate's ERC-721)
@notice Lives on the ZK chain. Anyone mints one at a price, the owner of the contract mints for
        free. `announce_owner_slot` tells the fast chain where to look for owners in a proof.
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


interface IPortal:
    def send(target: address, gas_limit: uint256, data: Bytes[68]) -> uint256: payable


# @dev Storage slot of the mapping from token id to owner. A test compares it with the compiler's
# storage layout.
OWNERS_SLOT: public(constant(uint256)) = 5

# @dev `OwnershipOracle.VYPER_MAPPING`.
VYPER_MAPPING: constant(uint256) = 2

# @dev Gas of the message that registers the slot.
REGISTER_GAS_LIMIT: constant(uint256) = 200_000


# @dev What a mint costs, in wei.
PRICE_WEI: public(immutable(uint256))

# @dev The most passes there will be.
MAX_SUPPLY: public(immutable(uint256))


@deploy
def __init__(price_wei: uint256, max_supply: uint256):
    """
    @dev The deployer becomes the owner.
    @param price_wei What a mint costs, in wei.
    @param max_supply The most passes there will be.
    """
    ownable.__init__()
    erc721.__init__("Braid Access Pass", "PASS", "", "Braid Access Pass", "1")
    PRICE_WEI = price_wei
    MAX_SUPPLY = max_supply


@external
@payable
def mint() -> uint256:
    """
    @dev Mints a pass to the caller for exactly the price.
    @return uint256 The token id.
    """
    assert msg.value == PRICE_WEI, "access pass: wrong price"
    return self._mint_next(msg.sender)


@external
def mint_to(receiver: address) -> uint256:
    """
    @dev Mints a pass for free. Only by the owner.
    @param receiver The 20-byte address that gets it.
    @return uint256 The token id.
    """
    ownable._check_owner()
    return self._mint_next(receiver)


@external
def withdraw(receiver: address):
    """
    @dev Pays out what the mints brought in. Only by the owner.
    @param receiver The 20-byte address to pay.
    """
    ownable._check_owner()
    raw_call(receiver, b"", value=self.balance)


@external
def announce_owner_slot() -> uint256:
    """
    @dev Tells the fast chain's `OwnershipOracle` where owners are stored. By anyone; the oracle
         takes the first message only.
    @return uint256 The nonce of the message.
    """
    return extcall IPortal(predeploys.PORTAL).send(
        predeploys.OWNERSHIP_ORACLE,
        REGISTER_GAS_LIMIT,
        abi_encode(
            OWNERS_SLOT, VYPER_MAPPING, method_id=method_id("register_token(uint256,uint256)")
        ),
    )


@internal
def _mint_next(receiver: address) -> uint256:
    """
    @dev Mints the next token id. Plain mint: a contract that receives it need not answer.
    """
    token_id: uint256 = erc721._counter
    assert token_id < MAX_SUPPLY, "access pass: sold out"
    erc721._counter = token_id + 1
    erc721._mint(receiver, token_id)
    return token_id
