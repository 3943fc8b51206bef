"""What an adversary, and everybody else, may do in one step of a schedule; drawn by chance.

The adversary writes every message of the fast chain and owns a game. It cannot sign for others
on the ZK chain. Operators quarantine and resume when they like, from any checkpoint that the
ledger knows: their choice must not matter to the bound.
"""

from collections.abc import Callable, Sequence
from random import Random

from attack_world import (
    COLLUDER,
    FAST_WEI,
    GAMES,
    L1_TOKEN,
    MAX_EXPOSURE_WEI,
    OWNERS,
    PLAYERS,
    RELAY,
    ROLLUP,
    STAKE_WEI,
    THIEF,
    TOKENS,
    UNIT_WEI,
    AttackWorld,
    BooksWrong,
    forged,
)
from bridge_world import GENESIS
from engine_chain import ETHER
from losses import call_data, rounds_of, word

from bridge.exposure import ETH
from contracts.addresses import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.bindings import retry_call
from execution.types import SYSTEM_ADDRESS, Address
from ledger.crossing import Message
from ledger.hashing import keccak
from ledger.types import EvmAddress

Move = Callable[[AttackWorld, Random], None]

GUARD = EvmAddress(ROUND_GUARD_ADDRESS)
PORTAL = EvmAddress(PORTAL_ADDRESS)
MOST_UINT = 2**256 - 1


def name(address: bytes) -> str:
    """An address as the ABI's encoder takes it."""
    return "0x" + address.hex()


# EVERYBODY ELSE


def open_round(world: AttackWorld, random: Random) -> None:
    """A game's owner opens a round; the colluder's reports come from where the others' do, too."""
    index = random.randrange(3)
    owner = (*OWNERS, COLLUDER)[index]
    mints, value = random.randrange(6), random.choice([0, 1, ETHER // 7, ETHER])
    deadline = world.now_seconds + random.choice([30, 600])
    data = call_data(
        "open_round(address,address,uint256,uint256,uint256,uint256)",
        name(GAMES[index]),
        name(world.trophies[index]),
        mints,
        UNIT_WEI if mints else 0,
        value,
        deadline,
    )
    # This block tells the ZK chain how tight caps are, if the one before has not.
    halvings = world.ledger.state.caps.halvings
    exposure_wei = (mints >> halvings) * UNIT_WEI + (value >> halvings)
    deposit_wei = (value >> halvings) + (mints >> halvings) * UNIT_WEI // 100
    opening = world.transaction(owner, ROUND_GUARD_ADDRESS, data, deposit_wei)
    # Before the books are checked: the block itself opens the round.
    world.expose(ETH, exposure_wei)
    (is_open,) = world.zk_block(opening)
    if not is_open:
        world.expose(ETH, -exposure_wei)


def close_round(world: AttackWorld, random: Random) -> None:
    """Somebody closes a round, or tries to."""
    closer = random.choice([*OWNERS, COLLUDER, THIEF])
    world.transact(closer, ROUND_GUARD_ADDRESS, "close_round(uint256)", any_round(world, random))


def enter(world: AttackWorld, random: Random) -> None:
    """A player enters a round with a stake."""
    player, round_id = random.choice(PLAYERS), any_round(world, random)
    signature = "enter(uint256)"
    data = call_data(signature, round_id)
    entering = world.transaction(player, ROUND_GUARD_ADDRESS, data, STAKE_WEI)
    (is_entered,) = world.zk_block(entering)
    if is_entered:
        world.stakes[round_id, player.address] = STAKE_WEI


def leave(world: AttackWorld, random: Random) -> None:
    """A player leaves, or tries to before the deadline."""
    player, round_id = random.choice(PLAYERS), any_round(world, random)
    stake = world.stakes.pop((round_id, player.address), 0)
    if not world.transact(player, ROUND_GUARD_ADDRESS, "leave(uint256)", round_id) and stake:
        world.stakes[round_id, player.address] = stake


def send_to_fast(world: AttackWorld, random: Random) -> None:
    """A player, or the thief with what it stole, sends value to the fast chain."""
    sender = random.choice([*PLAYERS, THIEF])
    value = random.choice([1, ETHER // 3, ETHER])
    target = random.choice([THIEF.address, PLAYERS[0].address, RELAY])
    data = call_data("send(address,uint256,bytes)", name(target), 100_000, b"")
    (balance,) = world.engine.accounts([sender.address])
    value = min(value, balance.balance_wei)
    is_of_player = sender is not THIEF
    world.expose(ETH, value if is_of_player else 0)
    sending = world.transaction(sender, PORTAL_ADDRESS, data, value)
    (is_sent,) = world.zk_block(sending)
    if is_of_player and not is_sent:
        world.expose(ETH, -value)


def bring_token(world: AttackWorld, random: Random) -> None:
    """A token of L1 arrives for a player, who may lock it for the fast chain at once."""
    player = random.choice(PLAYERS)
    number = world.next_l1_token
    world.next_l1_token += 1
    data = call_data(
        "mint_from_l1(address,uint256,address)", name(L1_TOKEN), number, name(player.address)
    )
    message = Message(
        source_chain_id=GENESIS.l1.chain_id,
        nonce=world.ledger.state.next_l1_nonce,
        sender=ROLLUP,
        target=TOKENS,
        value_wei=0,
        gas_limit=400_000,
        data=data,
    )
    world.zk_block(l1_messages=(message,))
    if random.random() < 0.2:
        return
    token_id = token_of(number)
    world.expose(TOKENS, 1)
    if not world.transact(
        player,
        BRIDGED_TOKENS_ADDRESS,
        "send_to_fast(uint256,address)",
        token_id,
        name(player.address),
    ):
        world.expose(TOKENS, -1)


def pass_time(world: AttackWorld, random: Random) -> None:
    """Let time go by, with or without a deadline in it."""
    world.zk_block(pass_seconds=random.choice([1, 40, 700]))


def deliver(world: AttackWorld, random: Random) -> None:
    """Blocks of the ZK chain, each with as much as fits."""
    for _ in range(random.randrange(1, 5)):
        world.zk_block()


# THE OPERATORS


def quarantine(world: AttackWorld, random: Random) -> None:
    """Cut the fast chain off, if it is not."""
    if not world.is_quarantined:
        world.quarantine()
        if random.random() < 0.8:
            world.tell_halvings()


def suspect(world: AttackWorld, random: Random) -> None:
    """One validator votes for a quarantine, or as many as it takes to halve the caps."""
    if not world.is_quarantined:
        world.vote_quarantine(random.choice([1, 2, 2]))
        if random.random() < 0.8:
            world.tell_halvings()


def resume(world: AttackWorld, random: Random) -> None:
    """Let it go on from any checkpoint, good or forged."""
    if world.is_quarantined:
        point = random.choice(world.ledger.state.fast.checkpoints)
        world.resume(point.number, point.state_root)


# THE ADVERSARY ON THE FAST CHAIN


def forge(world: AttackWorld, random: Random) -> None:
    """A checkpoint with up to a dozen messages that nobody sent."""
    for _ in range(random.randrange(1, 3)):
        world.fast_block()
    count = random.choice([0, 1, 1, 2, 4, 12])
    world.certify([any_message(world, random, offset) for offset in range(count)])
    if random.random() < 0.8:
        world.zk_block()


def mass_reports(world: AttackWorld, random: Random) -> None:
    """Everything that every round could give, several times over, in one checkpoint."""
    world.fast_block()
    orders = []
    for found in rounds_of(world.engine):
        receivers = [name(THIEF.address)] * 64
        for data in (
            call_data("report(uint256,address[])", found.round_id, receivers),
            call_data(
                "payout(uint256,address[],uint256[])",
                found.round_id,
                receivers[:2],
                [found.remaining_value_wei, MOST_UINT],
            ),
        ):
            orders += [(EvmAddress(found.game_on_fast), GUARD, 0, 2_000_000, data)] * 2
    world.certify([message_of(world, offset, order) for offset, order in enumerate(orders)])
    for _ in range(len(orders) + 1):
        world.zk_block()


def drain(world: AttackWorld, random: Random) -> None:
    """Ask for what is locked, in parts that are together more than all of it."""
    world.fast_block()
    locked = word(world.engine, PORTAL_ADDRESS, "locked_wei()")
    parts = random.choice([1, 2, 3])
    thief = EvmAddress(random.choice([THIEF.address, RELAY]))
    order = (thief, thief, locked // parts + random.randrange(2), 100_000, b"")
    world.certify([message_of(world, offset, order) for offset in range(parts + 2)])
    for _ in range(3):
        world.zk_block()


def bad_checkpoint(world: AttackWorld, random: Random) -> None:
    """A checkpoint that does not follow: a skipped nonce, an old block, a block to come."""
    world.fast_block()
    state = world.ledger.state
    number = random.choice([state.fast.certified.number, state.fast.number + 1, state.fast.number])
    shift = random.choice([1, 5]) if number == state.fast.number else 0
    world.certify([any_message(world, random, shift)], number)


def retry(world: AttackWorld, random: Random) -> None:
    """The thief makes the call of a parked message again, in a block or two."""
    if not world.parked:
        return
    message = random.choice(world.parked)
    world.zk_block(world.transaction(THIEF, PORTAL_ADDRESS, retry_call(message)))


def cash_in(world: AttackWorld, random: Random) -> None:
    """The thief takes out what is credited to it, or mints what is pending."""
    thief = name(THIEF.address)
    if random.random() < 0.5:
        world.transact(THIEF, ROUND_GUARD_ADDRESS, "withdraw(address)", thief)
        return
    round_id = any_round(world, random)
    world.transact(THIEF, ROUND_GUARD_ADDRESS, "claim_trophy(uint256,address)", round_id, thief)


def meddle(world: AttackWorld, random: Random) -> None:
    """The thief tries to relax the caps, or to tighten them."""
    halvings = random.choice([0, 0, 1, 300])
    world.transact(THIEF, ROUND_GUARD_ADDRESS, "set_cap_halvings(uint256)", halvings)


Order = tuple[EvmAddress, EvmAddress, int, int, bytes]
"""Sender, target, value, gas limit and data of a message."""


def message_of(world: AttackWorld, offset: int, order: Order) -> Message:
    """A message at a position of the next outbox."""
    sender, target, value_wei, gas_limit, data = order
    return forged(
        world,
        offset,
        sender=sender,
        target=target,
        value_wei=value_wei,
        gas_limit=gas_limit,
        data=data,
    )


def any_message(world: AttackWorld, random: Random, offset: int) -> Message:
    """A message of the adversary's grammar."""
    kind = random.choice([_report, _payout, _transfer, _return, _token, _guard_call, _relayed])
    return message_of(world, offset, kind(world, random))


def _report(world: AttackWorld, random: Random) -> Order:
    receivers = [name(any_thief(random)) for _ in range(random.choice([0, 1, 3, 64]))]
    data = call_data("report(uint256,address[])", any_round(world, random), receivers)
    return any_sender(world, random), GUARD, 0, any_gas(random), data


def _payout(world: AttackWorld, random: Random) -> Order:
    count = random.choice([1, 2, 64])
    receivers = [name(any_thief(random)) for _ in range(count)]
    values = [random.choice([0, 1, ETHER // 7, ETHER, MOST_UINT]) for _ in range(count)]
    round_id = any_round(world, random)
    data = call_data("payout(uint256,address[],uint256[])", round_id, receivers, values)
    return any_sender(world, random), GUARD, 0, any_gas(random), data


def _transfer(world: AttackWorld, random: Random) -> Order:
    locked = word(world.engine, PORTAL_ADDRESS, "locked_wei()")
    value = random.choice([1, locked // 3, locked, locked + 1, FAST_WEI, MAX_EXPOSURE_WEI, 2**255])
    targets = [THIEF.address, THIEF.address, RELAY, GUARD, PORTAL, SYSTEM_ADDRESS, b"\x02" * 20]
    targets.append(bytes(19) + b"\x01")
    return (
        any_sender(world, random),
        EvmAddress(random.choice(targets)),
        value,
        any_gas(random),
        random.choice([b"", b"\x01" * 40]),
    )


def _return(world: AttackWorld, random: Random) -> Order:
    receiver = random.choice([THIEF.address, RELAY, PLAYERS[0].address, PLAYERS[1].address])
    value = random.choice([1, ETHER // 3, ETHER])
    nonce = random.randrange(12).to_bytes(32)
    return PORTAL, EvmAddress(receiver), value, any_gas(random), random.choice([nonce, b""])


def _token(world: AttackWorld, random: Random) -> Order:
    token_id = token_of(random.randrange(max(1, world.next_l1_token)))
    thief = name(any_thief(random))
    serial = random.randrange(6)
    unlocking = call_data("receive_from_fast(uint256,address,uint256)", token_id, thief, serial)
    minting = call_data("mint_from_l1(address,uint256,address)", name(L1_TOKEN), 99, thief)
    sender = random.choice([TOKENS, TOKENS, ROLLUP])
    return sender, TOKENS, 0, 400_000, random.choice([unlocking, unlocking, minting])


def _guard_call(world: AttackWorld, random: Random) -> Order:
    round_id, thief = any_round(world, random), name(THIEF.address)
    data = random.choice(
        [
            call_data("withdraw(address)", thief),
            call_data("enter(uint256)", round_id),
            call_data("leave(uint256)", round_id),
            call_data("close_round(uint256)", round_id),
            call_data("claim_trophy(uint256,address)", round_id, thief),
            call_data("register_game(address)", name(world.trophies[0])),
            call_data("set_cap_halvings(uint256)", 0),
        ]
    )
    return any_sender(world, random), GUARD, random.choice([0, 0, 1000]), 400_000, data


def _relayed(world: AttackWorld, random: Random) -> Order:
    """Have a contract of the thief's call the predeploys from within a delivery."""
    thief = name(THIEF.address)
    target, data = random.choice(
        [
            (GUARD, call_data("withdraw(address)", thief)),
            (GUARD, call_data("enter(uint256)", any_round(world, random))),
            (GUARD, call_data("leave(uint256)", any_round(world, random))),
            (GUARD, call_data("report(uint256,address[])", any_round(world, random), [thief])),
            (PORTAL, call_data("claim(address)", thief)),
            (PORTAL, call_data("send(address,uint256,bytes)", thief, 50_000, b"")),
            (PORTAL, call_data("set_quarantine(bool,uint256)", False, 0)),
            (TOKENS, call_data("receive_from_fast(uint256,address,uint256)", 1, thief, 1)),
            (THIEF.address, b""),
        ]
    )
    value = random.choice([0, 1, ETHER // 3])
    return any_sender(world, random), EvmAddress(RELAY), value, 1_000_000, target + data


# WHAT TO CHOOSE FROM


def any_round(world: AttackWorld, random: Random) -> int:
    """A round, mostly one that exists."""
    count = word(world.engine, ROUND_GUARD_ADDRESS, "round_count()")
    return random.randrange(count + 2)


def any_thief(random: Random) -> Address:
    """Who is to have it."""
    return random.choice([THIEF.address, THIEF.address, RELAY, PORTAL_ADDRESS])


def any_sender(world: AttackWorld, random: Random) -> EvmAddress:
    """In whose name a message is."""
    return EvmAddress(
        random.choice([*GAMES, *GAMES, THIEF.address, RELAY, GUARD, TOKENS, PORTAL, bytes(20)])
    )


def any_gas(random: Random) -> int:
    """A gas limit: much, too little, or more than the Portal takes."""
    return random.choice([2_000_000, 300_000, 100_000, 1, 2_000_001])


def token_of(number: int) -> int:
    """Id here of a token of L1."""
    return int.from_bytes(keccak(bytes(12) + L1_TOKEN + number.to_bytes(32)))


def leave_all(world: AttackWorld) -> None:
    """In a quarantine and after all deadlines every player leaves with the whole stake, once."""
    if not world.is_quarantined:
        world.quarantine()
    world.zk_block(pass_seconds=1000)
    for (round_id, address), stake in sorted(world.stakes.items()):
        (player,) = [key for key in PLAYERS if key.address == address]
        (before,) = world.engine.accounts([address])
        del world.stakes[round_id, address]
        is_left = world.transact(player, ROUND_GUARD_ADDRESS, "leave(uint256)", round_id)
        (after,) = world.engine.accounts([address])
        if not is_left or after.balance_wei - before.balance_wei != stake:
            raise BooksWrong(f"a player did not get the stake of round {round_id} back")
        if world.transact(player, ROUND_GUARD_ADDRESS, "leave(uint256)", round_id):
            raise BooksWrong(f"a player got the stake of round {round_id} twice")


MOVES: Sequence[tuple[int, Move]] = (
    (4, open_round),
    (1, close_round),
    (2, enter),
    (1, leave),
    (2, send_to_fast),
    (1, bring_token),
    (1, pass_time),
    (3, deliver),
    (1, quarantine),
    (2, suspect),
    (2, resume),
    (8, forge),
    (1, mass_reports),
    (2, drain),
    (1, bad_checkpoint),
    (1, retry),
    (1, cash_in),
    (1, meddle),
)
