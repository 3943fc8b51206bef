"""`python -m tests.differential.metering`: what the meter says of ordinary traffic, and the cycles.

Each line is a block of its own on the worked example's chain, less what an empty block takes; so
every contract's code is counted in each.
"""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from bridge.work import Delivery, WorkItem
from execution.witness import encode_witness
from tests.differential.guest.game import BUYER, ETHER, PLAYERS, SELLER
from tests.differential.guest.machine import run_guest
from tests.differential.guest.test_guest_forced import L1Game

RECEIVER = b"\x51" * 20


def cycles(game: L1Game, number: int) -> int:
    """What the guest takes for a block."""
    return run_guest(encode_witness(game.chain.batch(number, number).witness())).cycles


def main() -> None:
    """Print the table."""
    game = L1Game()
    table = Table("block of", "metered", "cycles", "ratio")
    deployment, deployed = game.chain.outputs[0], cycles(game, 1)
    game.deliver(game.report(1, [SELLER]))
    game.block()
    empty = cycles(game, game.last)

    def row(name: str, metered: int, taken: int) -> None:
        real = taken - empty
        table.add_row(name, f"{metered:,}", f"{real:,}", f"{metered / real:.2f}")

    def measure(name: str, raws: Iterable[bytes] = (), items: Iterable[WorkItem] = ()) -> None:
        output = game.block(list(raws), list(items))
        row(name, sum(output.proving_costs), cycles(game, game.last))

    row("two contracts deployed", sum(deployment.proving_costs), deployed)
    measure("a transfer", [game.pay(0)])
    measure("20 transfers", [game.pay(number % 10) for number in range(20)])
    measure("an approval", [game.call_contract(SELLER, "Trophy", "approve", game.market, 0)])
    listing = (game.trophy, 0, ETHER)
    measure("a trophy offered", [game.call_contract(SELLER, "Market", "list_token", *listing)])
    purchase = game.call_contract(BUYER, "Market", "buy", game.trophy, 0, value_wei=ETHER)
    measure("a trophy bought", [purchase])
    move = (BUYER.address, PLAYERS[0].address, 0)
    measure("an ERC-721 transfer", [game.call_contract(BUYER, "Trophy", "transferFrom", *move)])
    sending = (RECEIVER, 50_000, b"")
    measure(
        "a message sent",
        [game.call_contract(PLAYERS[0], "Portal", "send", *sending, value_wei=1)],
    )
    measure("a deposit", items=[Delivery(game.deposit(RECEIVER, 1))])
    measure("a report of 3 trophies", items=[Delivery(game.report(1, PLAYERS[:3]))])
    Console().print(table)


if __name__ == "__main__":
    main()
