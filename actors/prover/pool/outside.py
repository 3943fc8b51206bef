"""What the pool asks of other processes: verification, and smaller witnesses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from actors.config import ACTOR_NAMESPACE
from actors.prover.pool.checking import check_proof
from actors.prover.pool.messages import SegmentInput
from actors.prover.pool.programs import PoolProgram

Verify = Callable[[PoolProgram, bytes, tuple[int, ...]], Awaitable[str]]
"""Gives why a proof of a program does not show these public values; empty if it does."""

Split = Callable[[int, int], Awaitable[list[SegmentInput]]]
"""Gives the blocks from the first to the last as two or more segments."""


class Away(Exception):
    """The other process cannot answer now: ask again."""


class SplitImpossible(Exception):
    """There will be no smaller witnesses of these blocks."""


async def verify_elsewhere(
    program: PoolProgram, proof: bytes, public_values: tuple[int, ...]
) -> str:
    """Verify a proof in a process of its own.

    Raises
    ------
    Away
        The process died.
    """
    try:
        answer: str = await check_proof.remote(
            program.key, program.parameters, proof, public_values
        )
    except RayTaskError as error:
        # A proof that breaks the verifier has not been verified.
        return f"the verifier failed: {error.cause!r}"
    except RayError as error:
        raise Away(str(error)) from error
    return answer


def split_by(actor: str | None) -> Split:
    """Ask an actor of that name; without one, nothing can be split."""

    async def split(first_block: int, last_block: int) -> list[SegmentInput]:
        if actor is None:
            raise SplitImpossible("nobody makes smaller witnesses for this pool")
        try:
            handle = ray.get_actor(actor, namespace=ACTOR_NAMESPACE)
            parts: list[SegmentInput] = await handle.split.remote(first_block, last_block)
        except RayTaskError as error:
            raise SplitImpossible(f"{error.cause}") from error
        except (RayActorError, ValueError) as error:
            raise Away(str(error)) from error
        return parts

    return split
