"""An embedded L1 as a process of its own, to be killed: prints its URL and serves."""

import asyncio
import sys
from pathlib import Path

from actors.l1.server import start_embedded_l1
from actors.l1.settings import EngineKind, L1Settings
from execution.types import Address


async def main(directory: str, engine: str, rich: str) -> None:
    settings = L1Settings(
        balances_wei={Address(bytes.fromhex(rich)): 10**21}, engine=EngineKind(engine)
    )
    l1 = await start_embedded_l1(Path(directory), settings)
    print(l1.url, flush=True)  # noqa: T201
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:4]))
