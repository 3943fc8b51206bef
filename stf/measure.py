"""Measures the engine: ``python stf/measure.py`` from the repository root, in about a minute.

Times are CPU times of this process, medians over the repetitions, so that a busy
machine disturbs them little.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import rlp
from coincurve import PrivateKey

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from execution._wasm_abi import ARTIFACT_DIRECTORY
from execution.engine import WasmEngine
from execution.transactions import decode_transaction, recover_senders
from execution.types import Address, BlockInput, ChainSpec, GenesisAccount, Hash32
from ledger.hashing import keccak

CHAIN_ID = 7
BLOCKS = 6
COINBASE = Address(b"\xc0" * 20)


def timed(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def make_keys(count: int) -> list[tuple[PrivateKey, Address]]:
    secrets = (PrivateKey(keccak(number.to_bytes(8, "big"))) for number in range(count))
    return [
        (secret, Address(keccak(secret.public_key.format(compressed=False)[1:])[12:]))
        for secret in secrets
    ]


def transfer(secret: PrivateKey, nonce: int, to: bytes) -> bytes:
    fields = [CHAIN_ID, nonce, 1, 10**10, 21_000, to, 5, b"", []]
    signature = secret.sign_recoverable(b"\x02" + rlp.encode(fields), hasher=keccak)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return b"\x02" + rlp.encode([*fields, signature[64], r, s])


def measure_transfers(size: int, background_accounts: int) -> None:
    keys = make_keys(size)
    addresses = [address for _, address in keys]
    rich = GenesisAccount(balance_wei=10**24)
    alloc = {address: rich for address in addresses}
    alloc.update(
        {Address(keccak(n.to_bytes(9, "big"))[:20]): rich for n in range(background_accounts)}
    )
    spec = ChainSpec(CHAIN_ID, 21_000 * size, 0, alloc)
    engines: list[WasmEngine] = []
    load_seconds = timed(lambda: engines.append(WasmEngine(spec)))
    (engine,) = engines
    per_account_us = load_seconds / len(alloc) * 1e6

    def block(number: int, raws: tuple[bytes, ...], is_sender_known: bool) -> BlockInput:
        senders = tuple(addresses) if is_sender_known else (None,) * size
        randao = Hash32(bytes(32))
        return BlockInput(number, number, randao, COINBASE, 21_000 * size, (), raws, senders)

    seconds = []
    for number in range(1, BLOCKS + 1):
        raws = tuple(
            transfer(secret, number - 1, addresses[(index * 7 + number) % size])
            for index, (secret, _) in enumerate(keys)
        )
        for is_sender_known in (False, True) if number == BLOCKS else (True,):
            engine.rollback(number - 1)
            started = time.process_time()
            output = engine.execute(block(number, raws, is_sender_known))
            elapsed = time.process_time() - started
            assert len(output.included) == size, output.skipped[:3]
            if is_sender_known:
                seconds.append(elapsed)
            else:
                recovering = elapsed
    known = statistics.median(seconds)
    print(
        f"{len(alloc):>8,} accounts, blocks of {size:,} transfers: "
        f"senders known {size / known:>8,.0f} tx/s ({known / size * 1e6:.1f} us), "
        f"recovered in wasm {size / recovering:>6,.0f} tx/s; "
        f"loading {per_account_us:.1f} us per account, "
        f"memory {engine.memory_size_bytes / 2**20:,.0f} MiB"
    )
    if background_accounts == 0:
        measure_ingress(raws)


def measure_ingress(raws: tuple[bytes, ...]) -> None:
    decoded = [decode_transaction(raw) for raw in raws]
    decoding = timed(lambda: [decode_transaction(raw) for raw in raws]) / len(raws)
    recovering = timed(lambda: recover_senders(decoded)) / len(raws)
    print(f"ingress: decode {decoding * 1e6:.1f} us, recover {recovering * 1e6:.1f} us")


def measure_start() -> None:
    spec = ChainSpec(CHAIN_ID, 30_000_000, 0, {})
    first = timed(lambda: WasmEngine(spec))
    second = timed(lambda: WasmEngine(spec))
    size = (ARTIFACT_DIRECTORY / "stf.wasm").stat().st_size
    print(f"start: first engine {first * 1e3:.0f} ms, next {second * 1e3:.1f} ms; {size:,} bytes")


def main() -> None:
    measure_start()
    for size, background_accounts in ((1_000, 0), (5_000, 0), (1_000, 10_000), (1_000, 100_000)):
        measure_transfers(size, background_accounts)


main()
