"""What follows from the keys of a new network on L1: accounts, their funds, the Rollup to come.

Apart from :mod:`cluster.l1_plan`, which every command reads: the libraries for accounts take long
to load.
"""

from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from actors.l1.settings import L1Settings
from cluster.l1_plan import ALLOWANCE_WEI, SETTLING_NODES, EmbeddedL1Plan, L1Keys
from execution.types import Address
from ledger.genesis import Genesis, L1Anchor
from ledger.types import ChainId, EvmAddress
from settlement.deployment import backing_wei, predict_rollup_address


def anchor(keys: L1Keys, chain_id: ChainId, deployer_nonce: int) -> L1Anchor:
    """What the genesis says about L1: the Rollup that the deployer is going to make there."""
    rollup = predict_rollup_address(address_of(keys.deployer), deployer_nonce)
    return L1Anchor(chain_id, EvmAddress(rollup))


def address_of(key: bytes) -> Address:
    """Account of a secret."""
    account: LocalAccount = Account.from_key(key)
    return Address(bytes.fromhex(account.address[2:]))


def embedded_settings(
    plan: EmbeddedL1Plan, directory: Path, genesis: Genesis, people: list[Address]
) -> L1Settings:
    """Settings of the embedded L1: who has what there.

    Parameters
    ----------
    directory
        The network's.
    people
        Development accounts.
    """
    balances = dict.fromkeys(people, ALLOWANCE_WEI)
    for index in SETTLING_NODES:
        key = (directory / f"node-{index}" / "l1.key").read_bytes()
        balances[address_of(key)] = ALLOWANCE_WEI
    deployer = address_of((directory / "l1" / "deployer.key").read_bytes())
    balances[deployer] = backing_wei(genesis) + ALLOWANCE_WEI
    return L1Settings(balances_wei=balances, engine=plan.engine)
