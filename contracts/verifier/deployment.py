"""The transactions that put a verifier on a chain.

First a data contract for each piece of the programs, then the verifier with the key's description;
its constructor compares the programs' hash with the description's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode

from contracts.verifier.artifact import verifier_artifact
from contracts.verifier.description import describe
from contracts.verifier.programs import machine_programs
from proving.stark.keys import VerifyingKey


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What to deploy, in this order.

    Attributes
    ----------
    programs
        Init codes of the data contracts. The same for all keys of a machine: where they are on the
        chain already, they need not be deployed again.
    description
        What the verifier knows about its key.
    """

    programs: tuple[bytes, ...]
    description: bytes

    def verifier(self, programs: Sequence[bytes]) -> bytes:
        """Init code of the verifier, given the addresses of the data contracts."""
        arguments = encode(["bytes", "address[]"], [self.description, list(programs)])
        return verifier_artifact().bytecode + arguments


def plan_deployment(key: VerifyingKey) -> DeploymentPlan:
    """Plan the deployment of a verifier for a key.

    Raises
    ------
    UnsupportedMachineError
        The contract cannot verify proofs of this machine.
    """
    programs = tuple(map(data_contract, machine_programs(key.machine).chunks()))
    return DeploymentPlan(programs, describe(key))


def data_contract(data: bytes) -> bytes:
    """Init code of a contract whose code is a zero byte and the data (`DataContract.sol`)."""
    # PUSH4 length, DUP1, PUSH1 12, PUSH0, CODECOPY, PUSH0, RETURN
    length = (len(data) + 1).to_bytes(4, "big")
    return bytes.fromhex("63") + length + bytes.fromhex("80600c5f395ff3") + b"\0" + data
