"""Rounds on the ZK chain for scenarios: caps that a thief may spend, stakes that it may not."""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from web3 import Web3

from cluster.chain_client import ChainClient, call_of
from cluster.chaos.arena import Arena
from cluster.chaos.compromise import ForgedMessage
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.fast_chain import is_quarantined
from cluster.dev_genesis import dev_account
from contracts.addresses import ROUND_GUARD_ADDRESS
from ledger.hashing import keccak
from ledger.types import EvmAddress

ROUND_CAP: Final = 3
UNIT_WEI: Final = 10**17
PAYOUT_CAP_WEI: Final = 10**18
STAKE_WEI: Final = 10**17
THIEF: Final = EvmAddress(keccak(b"thief")[12:])
GAME: Final = EvmAddress(keccak(b"game on the fast chain")[12:])


@dataclass(frozen=True, slots=True)
class StakedRounds:
    """Open rounds of one game, and the player who has a stake in the first."""

    guard: Any
    trophy: Any
    round_ids: tuple[int, ...]
    player: LocalAccount


def open_rounds(zk: ChainClient, *seconds: int) -> StakedRounds:
    """Open rounds of these lengths; a player enters the first one."""
    owner, player = dev_account(0), dev_account(1)
    guard = zk.contract("RoundGuard", ROUND_GUARD_ADDRESS)
    trophy = zk.deploy(owner, "Trophy")
    zk.send(call_of(owner, guard.functions.register_game(trophy.address)))
    now = zk.web3.eth.get_block("latest")["timestamp"]
    deposit = guard.functions.required_deposit_wei(ROUND_CAP, UNIT_WEI, PAYOUT_CAP_WEI).call()
    round_ids = []
    for length in seconds:
        opening = guard.functions.open_round(
            address_text(GAME), trophy.address, ROUND_CAP, UNIT_WEI, PAYOUT_CAP_WEI, now + length
        )
        receipt = zk.send(call_of(owner, opening, deposit))
        (opened,) = guard.events.RoundOpened().process_receipt(receipt)
        round_ids.append(int(opened["args"]["round_id"]))
    zk.send(call_of(player, guard.functions.enter(round_ids[0]), STAKE_WEI))
    return StakedRounds(guard, trophy, tuple(round_ids), player)


def leave(arena: Arena, zk: ChainClient, round_id: int, *players: LocalAccount) -> None:
    """Have players take their stakes back in the quarantine, after the round's deadline."""
    guard = zk.contract("RoundGuard", ROUND_GUARD_ADDRESS)
    deadline = int(zk.rpc("braid_getRound", round_id)["deadline_seconds"])
    arena.wait_until(
        lambda: zk.web3.eth.get_block("latest")["timestamp"] > deadline, "the round's deadline"
    )
    for player in players:
        receipt = zk.send(call_of(player, guard.functions.leave(round_id)))
        (left,) = guard.events.Left().process_receipt(receipt)
        stake_wei = left["args"]["stake_wei"]
        if stake_wei != STAKE_WEI or not is_quarantined(arena):
            raise InvariantBroken(f"a player got {stake_wei} of {STAKE_WEI} wei back")
    arena.note(f"{len(players)} of {len(players)} players have left with the whole stake")


def guard_message(sender: EvmAddress, signature: str, *arguments: Any) -> ForgedMessage:
    """A forged call of the RoundGuard, in anybody's name."""
    target = EvmAddress(ROUND_GUARD_ADDRESS)
    data = call_data(signature, *arguments)
    return ForgedMessage(sender, target, gas_limit=2_000_000, data=data)


def call_data(signature: str, *arguments: Any) -> bytes:
    """Call data of a function by its signature."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    return bytes(keccak(signature.encode())[:4] + encode(types, arguments))


def balance_wei(zk: ChainClient, address: EvmAddress) -> int:
    """What an address has."""
    return int(zk.web3.eth.get_balance(address_text(address)))


def credit_wei(zk: ChainClient, address: EvmAddress) -> int:
    """What an address may take out of the RoundGuard."""
    guard = zk.contract("RoundGuard", ROUND_GUARD_ADDRESS)
    return int(guard.functions.credit_wei(address_text(address)).call())


def address_text(address: EvmAddress) -> Any:
    """An address as web3.py takes it."""
    return Web3.to_checksum_address("0x" + address.hex())
