from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import AsyncHTTPProvider, AsyncWeb3

from actors.l1.server import EmbeddedL1, start_embedded_l1
from actors.l1.settings import EngineKind, L1Settings
from execution.types import Address
from ledger.hashing import keccak

ETHER = 10**18

Connect = Callable[[EmbeddedL1], AsyncWeb3[Any]]
StartL1 = Callable[..., Awaitable[EmbeddedL1]]


@pytest.fixture
def rich() -> LocalAccount:
    """An account with 1,000 ETH."""
    account: LocalAccount = Account.from_key(keccak(b"rich"))
    return account


@pytest.fixture(params=list(EngineKind))
def engine(request: pytest.FixtureRequest) -> EngineKind:
    """Both engines, one after the other."""
    kind: EngineKind = request.param
    return kind


@pytest.fixture
async def start_l1(
    tmp_path: Path, rich: LocalAccount, engine: EngineKind
) -> AsyncIterator[StartL1]:
    """Start an L1 in the test's directory: again after it was stopped, if need be."""
    running: list[EmbeddedL1] = []

    async def start(**options: float | bool | None) -> EmbeddedL1:
        settings = L1Settings(
            balances_wei={Address(bytes.fromhex(rich.address[2:])): 1_000 * ETHER},
            engine=engine,
            has_controls=True,
            **options,  # type: ignore[arg-type]  # fields of the settings
        )
        l1 = await start_embedded_l1(tmp_path / "l1", settings)
        running.append(l1)
        return l1

    yield start
    for l1 in running:
        if l1.is_running:
            await l1.stop()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """web3.py to an L1."""
    providers: list[AsyncHTTPProvider] = []

    def make(l1: EmbeddedL1) -> AsyncWeb3[Any]:
        provider = AsyncHTTPProvider(l1.url)
        providers.append(provider)
        return AsyncWeb3(provider)

    yield make
    for provider in providers:
        await provider.disconnect()
