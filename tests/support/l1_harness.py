"""An L1 for tests: the embedded one, or anvil, with the same few controls over both."""

import asyncio
import os
import shutil
import socket
from pathlib import Path
from typing import Any, Protocol

from actors.l1.server import EmbeddedL1, start_embedded_l1
from actors.l1.settings import BLOCK_GAS_LIMIT, L1_CHAIN_ID, EngineKind, L1Settings
from execution.types import Address
from settlement.errors import L1Down
from settlement.l1.provider import BoundedHttpProvider


class VirtualTime:
    """Time that moves when a test says so, and when somebody sleeps."""

    def __init__(self, start_seconds: float = 1_800_000_000.0) -> None:
        self.now_seconds = start_seconds

    def __call__(self) -> float:
        return self.now_seconds

    def advance(self, seconds: float) -> None:
        self.now_seconds += seconds

    async def sleep(self, seconds: float) -> None:
        self.now_seconds += seconds
        await asyncio.sleep(0)


class L1Harness(Protocol):
    """One L1; transactions wait until :meth:`mine`, once :meth:`hold` was called."""

    url: str

    async def hold(self) -> None: ...
    async def mine(self, count: int = 1) -> None: ...
    async def reorg(self, depth: int) -> None: ...
    async def set_base_fee(self, wei: int) -> None: ...
    async def drop_mempool(self) -> None: ...
    async def give(self, address: Address, wei: int) -> None: ...
    async def skip_time(self, seconds: int) -> None: ...
    async def go_down(self) -> None: ...
    async def come_back(self) -> None: ...
    async def stop(self) -> None: ...


class _Controls:
    """Controls that both have."""

    url: str

    async def rpc(self, method: str, *params: Any) -> Any:
        provider = BoundedHttpProvider(self.url)
        try:
            answer = await provider.make_request(method, list(params))  # type: ignore[arg-type]
        finally:
            await provider.disconnect()
        assert "error" not in answer, (method, answer)
        return answer["result"]

    async def hold(self) -> None:
        await self.rpc("evm_setAutomine", False)

    async def mine(self, count: int = 1) -> None:
        await self.rpc("anvil_mine", hex(count))

    async def reorg(self, depth: int) -> None:
        await self.rpc("anvil_reorg", depth if isinstance(self, AnvilL1) else hex(depth), [])

    async def drop_mempool(self) -> None:
        await self.rpc("anvil_dropAllTransactions")


class EmbeddedHarness(_Controls):
    """The embedded L1 in this process, on its own directory."""

    def __init__(
        self, directory: Path, balances: dict[Address, int], time: VirtualTime, engine: EngineKind
    ) -> None:
        self._directory = directory
        self._settings = L1Settings(balances_wei=balances, engine=engine, has_controls=True)
        self._time = time
        self._port = 0
        self._l1: EmbeddedL1 | None = None
        self._is_holding = False
        self.url = ""

    async def start(self) -> None:
        self._l1 = await start_embedded_l1(
            self._directory, self._settings, port=self._port, clock=self._time
        )
        self._port, self.url = self._l1.port, self._l1.url
        self._l1.backend.is_automatic = not self._is_holding

    async def hold(self) -> None:
        self._is_holding = True
        await super().hold()

    async def set_base_fee(self, wei: int) -> None:
        await self.rpc("braid_setBaseFee", hex(wei))

    async def give(self, address: Address, wei: int) -> None:
        raise AssertionError("the embedded L1 gives at its genesis")

    async def skip_time(self, seconds: int) -> None:
        self._time.advance(seconds)

    async def go_down(self) -> None:
        assert self._l1 is not None
        await self._l1.stop()
        self._l1 = None

    async def come_back(self) -> None:
        await self.start()

    async def stop(self) -> None:
        if self._l1 is not None:
            await self.go_down()


class AnvilL1(_Controls):
    """anvil as a process of its own."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._process = await asyncio.create_subprocess_exec(
            str(self._binary), "--silent", "--port", str(port), "--chain-id", str(L1_CHAIN_ID),
            "--hardfork", "prague", "--gas-limit", str(BLOCK_GAS_LIMIT),
            "--block-base-fee-per-gas", "1000000000", "--accounts", "1",
        )  # fmt: skip
        async with asyncio.timeout(30):
            while True:
                try:
                    await self.rpc("eth_chainId")
                    return
                except L1Down:
                    await asyncio.sleep(0.02)

    async def set_base_fee(self, wei: int) -> None:
        await self.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))
        await self.mine()

    async def give(self, address: Address, wei: int) -> None:
        await self.rpc("anvil_setBalance", "0x" + address.hex(), hex(wei))

    async def skip_time(self, seconds: int) -> None:
        await self.rpc("evm_increaseTime", seconds)

    async def go_down(self) -> None:
        assert self._process is not None
        self._process.send_signal(19)  # SIGSTOP: it answers nothing.

    async def come_back(self) -> None:
        assert self._process is not None
        self._process.send_signal(18)  # SIGCONT

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(18)
            self._process.terminate()
            await self._process.wait()


def find_anvil() -> Path | None:
    """The binary: named by BRAID_ANVIL (the file, or a node_modules folder), or on PATH."""
    named = os.environ.get("BRAID_ANVIL")
    if named:
        path = Path(named)
        if path.is_file():
            return path
        found = sorted(path.glob("@foundry-rs/anvil-*/bin/anvil*"))
        return found[0] if found else None
    on_path = shutil.which("anvil")
    return None if on_path is None else Path(on_path)
