"""The game of the demo, step by step, through JSON-RPC only."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes

from cluster.chain_client import ChainClient, call_of, calls_of
from cluster.dev_genesis import dev_account
from cluster.errors import DemoFailed
from contracts.addresses import OWNERSHIP_ORACLE_ADDRESS, ROUND_GUARD_ADDRESS
from ledger.hashing import keccak

PLAYER_COUNT: Final = 20
MOVES_PER_PLAYER: Final = 11
ROUND_CAP: Final = 3
WINNER_COUNT: Final = 2
FORGED_COUNT: Final = 50
PASS_PRICE_WEI: Final = 10**16
TROPHY_VALUE_WEI: Final = 10**17
SALE_PRICE_WEI: Final = 5 * 10**17
ROUND_SECONDS: Final = 3600
SEED: Final = 20261122
NO_SESSION_KEY: Final = "0x" + "00" * 20
NO_KEYS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass
class Game:
    """Contracts and people of one game."""

    zk: ChainClient
    fast: ChainClient
    operator: LocalAccount = field(default_factory=lambda: dev_account(0))
    players: list[LocalAccount] = field(
        default_factory=lambda: [dev_account(1 + index) for index in range(PLAYER_COUNT)]
    )
    round_seconds: int = ROUND_SECONDS
    buyer: LocalAccount = field(default_factory=lambda: dev_account(1 + PLAYER_COUNT))
    moves: int = 0
    round_id: int = 0

    def deploy(self) -> None:
        """Deploy the game: passes, trophies and a market on the ZK chain, the arena on the fast."""
        self.access_pass = self.zk.deploy(
            self.operator, "AccessPass", PASS_PRICE_WEI, 10 * PLAYER_COUNT
        )
        self.trophy = self.zk.deploy(self.operator, "Trophy")
        self.market = self.zk.deploy(self.operator, "Market")
        self.arena = self.fast.deploy(self.operator, "BackdooredArena", self.access_pass.address)
        self.guard = self.zk.contract("RoundGuard", ROUND_GUARD_ADDRESS)
        self.oracle = self.fast.contract("OwnershipOracle", OWNERSHIP_ORACLE_ADDRESS)
        self.zk.send_all(
            calls_of(
                [
                    (self.operator, self.guard.functions.register_game(self.trophy.address)),
                    (self.operator, self.access_pass.functions.announce_owner_slot()),
                ]
            )
        )

    def mint_passes(self) -> int:
        """Let every player buy an access pass; gives the ZK block after which all have one."""
        receipts = self.zk.send_all(
            call_of(player, self.access_pass.functions.mint(), PASS_PRICE_WEI)
            for player in self.players
        )
        return max(receipt["blockNumber"] for receipt in receipts)

    def open_round(self) -> None:
        """Open a round with a cap on the ZK chain, and start it on the fast chain."""
        now = self.zk.web3.eth.get_block("latest")["timestamp"]
        opening = self.guard.functions.open_round(
            self.arena.address,
            self.trophy.address,
            ROUND_CAP,
            TROPHY_VALUE_WEI,
            0,
            now + self.round_seconds,
        )
        deposit = self.guard.functions.required_deposit_wei(ROUND_CAP, TROPHY_VALUE_WEI, 0).call()
        receipt = self.zk.send(call_of(self.operator, opening, deposit))
        (opened,) = self.guard.events.RoundOpened().process_receipt(receipt)
        self.round_id = opened["args"]["round_id"]
        self.fast.send(
            call_of(
                self.operator,
                self.arena.functions.start_round(
                    self.round_id, now + self.round_seconds * 59 // 60, WINNER_COUNT
                ),
            )
        )

    def join(self, minted_in_block: int, session_keys: Mapping[str, str] = NO_KEYS) -> int:
        """Prove each player's pass to the fast chain and join; gives the ZK block used.

        ``session_keys`` are addresses that may move for a player, by the player's address.
        """
        zk_block: int = self.fast.wait_until(
            "a ZK state root on the fast chain", lambda: self._newest_root_since(minted_in_block)
        )
        self.fast.wait_until(
            "the pass contract's registration on the fast chain",
            lambda: self.oracle.functions.owner_mappings(self.access_pass.address).call()[0] != 0,
        )
        calls = []
        for token_id, player in self.passes(zk_block):
            proof = self._ownership_proof(token_id, zk_block)
            proving = self.oracle.functions.prove_ownership(
                zk_block, self.access_pass.address, token_id, player.address, *proof
            )
            session_key = session_keys.get(player.address, NO_SESSION_KEY)
            joining = self.arena.functions.join(self.round_id, token_id, session_key)
            calls.extend([call_of(player, proving), call_of(player, joining)])
        self.fast.send_all(calls)
        return zk_block

    def play(self) -> None:
        """Let every player move, in random directions from a fixed seed."""
        directions = random.Random(SEED)
        calls = [
            call_of(player, self.arena.functions.move(self.round_id, directions.randrange(4)))
            for _ in range(MOVES_PER_PLAYER)
            for player in self.players
        ]
        self.moves += len(self.fast.send_all(calls))

    def finish(self) -> int:
        """End the round; gives how many trophies the honest report minted."""
        self.fast.send(call_of(self.operator, self.arena.functions.finish(self.round_id)))
        return int(self.zk.wait_until("the report's trophies", self.trophies_minted))

    def forge(self) -> int:
        """Send a forged report for 50 more; gives how many of them the cap refused."""
        receivers = [
            Account.from_key(keccak(b"forger %d" % index)).address for index in range(FORGED_COUNT)
        ]
        forging = self.arena.functions.forge_report(self.round_id, receivers)
        self.fast.send(call_of(self.operator, forging))
        return int(self.zk.wait_until("the forged report's arrival", self.surplus))

    def sell_trophy(self) -> bool:
        """List a winner's trophy and buy it; gives whether that is right.""" ""
        token_id, seller = self._owned_trophy()
        self.zk.send_all(
            calls_of(
                [
                    (seller, self.trophy.functions.approve(self.market.address, token_id)),
                    (
                        seller,
                        self.market.functions.list_token(
                            self.trophy.address, token_id, SALE_PRICE_WEI
                        ),
                    ),
                ]
            )
        )
        buying = self.market.functions.buy(self.trophy.address, token_id)
        self.zk.send(call_of(self.buyer, buying, SALE_PRICE_WEI))
        is_bought = self.trophy.functions.ownerOf(token_id).call() == self.buyer.address
        is_due = self.market.functions.proceeds_wei(seller.address).call() == SALE_PRICE_WEI
        return bool(is_bought and is_due)

    def trophies_minted(self) -> int:
        """Trophies that exist."""
        return int(self.trophy.functions.totalSupply().call())

    def surplus(self) -> int:
        """Trophies that reports asked for beyond the round's cap."""
        return int(self.zk.rpc("braid_getRound", self.round_id)["surplus_mints"])

    def loss_bound_wei(self) -> int:
        """The loss bound, as the ZK chain enforces it now."""
        return int(self.zk.rpc("braid_getLossBound")["loss_bound_wei"])

    def _newest_root_since(self, number: int) -> int | None:
        newest = self.oracle.functions.latest_zk_block_number().call()
        return newest if newest >= number else None

    def passes(self, zk_block: int) -> list[tuple[int, LocalAccount]]:
        """The passes with their owners, after a ZK block."""
        players = {player.address: player for player in self.players}
        passes = []
        for token_id in range(len(self.players)):
            owner = self.access_pass.functions.ownerOf(token_id).call(block_identifier=zk_block)
            passes.append((token_id, players[owner]))
        return passes

    def _ownership_proof(self, token_id: int, zk_block: int) -> tuple[list[bytes], list[bytes]]:
        slot = self.access_pass.functions.OWNERS_SLOT().call()
        position = int.from_bytes(keccak(slot.to_bytes(32, "big") + token_id.to_bytes(32, "big")))
        proof = self.zk.rpc(
            "eth_getProof", self.access_pass.address, [hex(position)], hex(zk_block)
        )
        account, storage = proof["accountProof"], proof["storageProof"][0]["proof"]
        return [bytes(HexBytes(node)) for node in account], [
            bytes(HexBytes(node)) for node in storage
        ]

    def _owned_trophy(self) -> tuple[int, LocalAccount]:
        players = {player.address: player for player in self.players}
        for token_id in range(self.trophies_minted()):
            owner: Any = self.trophy.functions.ownerOf(token_id).call()
            if owner in players:
                return token_id, players[owner]
        raise DemoFailed("no player owns a trophy")
