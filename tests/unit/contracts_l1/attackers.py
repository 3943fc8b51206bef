"""The contract of ``attacker.vy``, compiled where it is needed."""

from functools import cache
from pathlib import Path

from contracts.build import compile_source
from contracts.compiled import Artifact
from tests.support.engine_chain import DeployedContract
from tests.support.rollup_world import MALLORY, RollupWorld


@cache
def _compiled() -> Artifact:
    content = compile_source(Path(__file__).parent / "attacker.vy")
    return Artifact(
        name="attacker",
        abi=content["abi"],
        bytecode=bytes.fromhex(content["bytecode"].removeprefix("0x")),
        runtime_bytecode=bytes.fromhex(content["runtime_bytecode"].removeprefix("0x")),
        has_immutables=content["has_immutables"],
        storage_layout=content["storage_layout"],
    )


def deploy_attacker(world: RollupWorld, value_wei: int = 0) -> DeployedContract:
    """A contract on L1 that calls back, once it is armed."""
    return world.l1.deploy(MALLORY, _compiled(), value_wei=value_wei)
