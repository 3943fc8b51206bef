"""A seeded chain: a genesis, and block after block of transactions of every kind."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from execution.reference import ReferenceEngine
from execution.types import (
    SYSTEM_ADDRESS,
    Address,
    BlockInput,
    ChainSpec,
    GenesisAccount,
    Hash32,
    SystemTransaction,
)
from tests.differential.programs import Programs
from tests.differential.signing import (
    SECP256K1_ORDER,
    Fields,
    Key,
    SignedFields,
    authorize,
    make_key,
    sign,
)

CHAIN_ID: Final = 4242
GENESIS_TIMESTAMP_SECONDS: Final = 1_700_000_000
ETHER: Final = 10**18
GWEI: Final = 10**9

PRECOMPILES: Final = tuple(Address(bytes(19) + bytes([number])) for number in range(1, 18))
EMPTY_ADDRESSES: Final = tuple(Address(bytes([0xE0 + number]) * 20) for number in range(4))


class Scenario:
    """Everything follows from the seed; account states come from the reference engine."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.keys = [make_key(number) for number in range(1, 8)]
        self.poor_key = make_key(99)
        self.contract_key = make_key(100)
        self.contracts = [Address(bytes([0xC0 + number]) * 20) for number in range(6)]
        self.coinbase = self.random.choice(
            (Address(b"\xcb" * 20), EMPTY_ADDRESSES[0], self.contracts[0], self.keys[0].address)
        )
        addresses = [
            *self.contracts,
            *self.contracts,
            *(key.address for key in self.keys),
            *EMPTY_ADDRESSES,
            self.random.choice(PRECOMPILES[:9]),
            self.coinbase,
            SYSTEM_ADDRESS,
        ]
        self.addresses = addresses
        self.programs = Programs(self.random, addresses)
        self.spec = self._make_spec()
        self.number = 0
        self.timestamp_seconds = GENESIS_TIMESTAMP_SECONDS
        self.system_nonce = 0
        self._nonces: dict[Address, int] = {}

    def next_block(self, reference: ReferenceEngine, transaction_count: int) -> BlockInput:
        """The next block on top of what the reference engine has."""
        self.number += 1
        self.timestamp_seconds += self.random.choice((0, 1, 1, 12))
        self._nonces = {
            key.address: reference.account(key.address).nonce
            for key in (*self.keys, self.poor_key, self.contract_key)
        }
        is_small = self.random.random() < 0.15
        gas_limit = 2_000_000 if is_small else self.spec.gas_limit
        transactions = tuple(self._transaction() for _ in range(transaction_count))
        return BlockInput(
            number=self.number,
            timestamp_seconds=self.timestamp_seconds,
            prev_randao=Hash32(self.random.randbytes(32)),
            coinbase=self.coinbase,
            gas_limit=gas_limit,
            system_transactions=tuple(
                self._system_transaction() for _ in range(self.random.randrange(3))
            ),
            transactions=transactions,
            senders=(None,) * len(transactions),
        )

    def _make_spec(self) -> ChainSpec:
        alloc = {key.address: GenesisAccount(balance_wei=1_000 * ETHER) for key in self.keys}
        alloc[self.poor_key.address] = GenesisAccount(balance_wei=10**15)
        alloc[self.contract_key.address] = GenesisAccount(balance_wei=ETHER, code=b"\x00")
        for address in self.contracts:
            alloc[address] = GenesisAccount(
                balance_wei=self.random.choice((0, 5, ETHER)),
                nonce=self.random.choice((0, 1)),
                code=self.programs.program(),
                storage={slot: self.random.randrange(1, 2**256) for slot in (0, 2)},
            )
        return ChainSpec(
            chain_id=CHAIN_ID,
            gas_limit=30_000_000,
            genesis_timestamp_seconds=GENESIS_TIMESTAMP_SECONDS,
            alloc=alloc,
            initial_base_fee_wei=self.random.choice((7, GWEI)),
            is_base_fee_zero=self.random.random() < 0.4,
        )

    def _system_transaction(self) -> SystemTransaction:
        self.system_nonce += 1
        return SystemTransaction(
            nonce=self.system_nonce,
            to=Address(self.random.choice(self.addresses)),
            gas_limit=self.random.choice((0, 20_000, 200_000, 2_000_000)),
            data=self.programs.data(),
        )

    def _transaction(self) -> bytes:
        makers: tuple[Callable[[], bytes], ...] = (
            self._transfer,
            self._contract_call,
            self._creation,
            self._set_code,
            self._heavy_calldata,
            self._invalid,
        )
        return self.random.choices(makers, (3, 6, 4, 3, 1, 2))[0]()

    def _fields(self, key: Key, gas_limit: int, kind: int | None = None) -> Fields:
        kind = self.random.choice((0, 1, 2, 2)) if kind is None else kind
        max_fee_wei = self.random.choice((0, GWEI, 2 * GWEI, 5 * GWEI))
        if not self.spec.is_base_fee_zero:
            max_fee_wei = max(max_fee_wei, 2 * self.spec.initial_base_fee_wei)
        tip_wei = self.random.choice((0, 1, max_fee_wei // 3, max_fee_wei))
        return Fields(
            kind=kind,
            chain_id=CHAIN_ID,
            nonce=self._nonces[key.address],
            gas_limit=gas_limit,
            max_fee_wei=max_fee_wei,
            tip_wei=min(tip_wei, max_fee_wei),
            access_list=self._access_list() if kind else (),
            is_replay_protected=self.random.random() < 0.7,
        )

    def _access_list(self) -> list[tuple[bytes, list[int]]]:
        return [
            (self.random.choice(self.addresses), [0, 2][: self.random.randrange(3)])
            for _ in range(self.random.choice((0, 0, 1, 3)))
        ]

    def _send(self, key: Key, fields: Fields) -> bytes:
        self._nonces[key.address] += 1
        return sign(key, fields)

    def _gas_limit(self) -> int:
        return self.random.choice((100_000, 200_000, 300_000, 1_000_000))

    def _transfer(self) -> bytes:
        key = self.random.choice(self.keys)
        to = self.random.choice((*self.addresses, self.random.randbytes(20), *PRECOMPILES))
        value_wei = self.random.choice((0, 1, GWEI, ETHER))
        gas_limit = self.random.choice((21_000, 50_000, 100_000))
        fields = self._fields(key, gas_limit)
        return self._send(key, replace(fields, to=to, value_wei=value_wei))

    def _contract_call(self) -> bytes:
        key = self.random.choice(self.keys)
        fields = self._fields(key, self._gas_limit())
        changed = replace(
            fields,
            to=self.random.choice(self.contracts),
            value_wei=self.random.choice((0, 0, 3)),
            data=self.programs.data(),
        )
        return self._send(key, changed)

    def _creation(self) -> bytes:
        key = self.random.choice(self.keys)
        fields = self._fields(key, self._gas_limit())
        value_wei = self.random.choice((0, 0, 7))
        initcode = self.programs.initcode()
        return self._send(key, replace(fields, value_wei=value_wei, data=initcode))

    def _heavy_calldata(self) -> bytes:
        key = self.random.choice(self.keys)
        data = self.random.randbytes(self.random.randrange(2_000))
        fields = self._fields(key, 400_000)
        to = self.random.choice(self.addresses)
        return self._send(key, replace(fields, to=to, data=data))

    def _set_code(self) -> bytes:
        key = self.random.choice(self.keys)
        fields = self._fields(key, 1_000_000, kind=4)
        self._nonces[key.address] += 1
        authorizations = [self._authorization() for _ in range(self.random.randrange(1, 4))]
        to = self.random.choice((*self.addresses, *(key.address for key in self.keys)))
        data = self.programs.data()
        changed = replace(fields, to=to, data=data, authorizations=authorizations)
        return sign(key, changed)

    def _authorization(self) -> SignedFields:
        key = self.random.choice((*self.keys, *self.keys, self.contract_key))
        nonce = self._nonces[key.address]
        delegate = self.random.choice(
            (
                *self.contracts,
                *self.contracts,
                bytes(20),
                self.random.choice(PRECOMPILES),
                self.random.choice(self.keys).address,
                EMPTY_ADDRESSES[1],
            )
        )
        fault = self.random.random()
        if fault < 0.1:
            return authorize(key, CHAIN_ID + 1, delegate, nonce)
        if fault < 0.2:
            return authorize(key, CHAIN_ID, delegate, self.random.choice((nonce + 3, 2**64 - 1)))
        if fault < 0.3:
            bad = self.random.choice(({"s": SECP256K1_ORDER - 1}, {"r": 0}, {"parity": 2}))
            return authorize(key, CHAIN_ID, delegate, nonce, bad)
        if key is not self.contract_key:
            self._nonces[key.address] += 1
        return authorize(key, self.random.choice((0, CHAIN_ID)), delegate, nonce)

    def _invalid(self) -> bytes:
        key = self.random.choice(self.keys)
        fields = replace(self._fields(key, 50_000, kind=2), to=self.random.choice(self.addresses))
        valid = sign(key, fields)
        makers: tuple[Callable[[], bytes], ...] = (
            lambda: b"",
            lambda: valid[:-1],
            lambda: valid + b"\x00",
            lambda: b"\x05" + valid[1:],
            lambda: b"\x03" + valid[1:],
            lambda: self.random.randbytes(self.random.randrange(60)),
            lambda: sign(key, replace(fields, chain_id=CHAIN_ID + 1)),
            lambda: sign(key, fields, {"s": SECP256K1_ORDER - 5}),
            lambda: sign(key, fields, {"r": 0}),
            lambda: sign(key, fields, {"parity": 2}),
            lambda: sign(key, replace(fields, kind=4)),
            lambda: sign(key, replace(fields, tip_wei=fields.max_fee_wei + 1)),
            lambda: sign(key, replace(fields, tip_wei=0, max_fee_wei=1)),
            lambda: sign(key, replace(fields, gas_limit=self.spec.gas_limit + 1)),
            lambda: sign(key, replace(fields, to=b"", data=bytes(49_153), gas_limit=2_000_000)),
            lambda: sign(key, replace(fields, gas_limit=20_999, access_list=())),
            lambda: sign(key, replace(fields, data=b"\x01" * 1_000, gas_limit=50_000)),
            lambda: sign(key, replace(fields, nonce=2**64 - 1)),
            lambda: sign(key, replace(fields, nonce=fields.nonce + 1)),
            lambda: sign(key, replace(fields, nonce=max(fields.nonce - 1, 0))),
            lambda: sign(key, replace(fields, value_wei=2**200)),
            lambda: sign(self.contract_key, replace(fields, nonce=0)),
            lambda: sign(self.poor_key, replace(fields, nonce=0, value_wei=10**15)),
        )
        return self.random.choice(makers)()
