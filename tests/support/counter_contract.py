"""A small contract for tests: state, an event, and three ways to fail."""

from functools import cache
from typing import Any

import vyper  # type: ignore[import-untyped]  # vyper ships no type information

SOURCE = """
# pragma version 0.4.3

event Counted:
    who: indexed(address)
    total: uint256

total: public(uint256)

@deploy
def __init__(start: uint256):
    self.total = start

@external
def count(by: uint256):
    assert by < 100, "too many at once"
    self.total += by
    log Counted(who=msg.sender, total=self.total)

@external
def fail_silently():
    raise

@external
@view
def divide(by: uint256) -> uint256:
    return self.total // by
"""

TOTAL_SLOT = 0


@cache
def compiled() -> dict[str, Any]:
    """ABI and creation bytecode."""
    return dict(vyper.compile_code(SOURCE, output_formats=["abi", "bytecode"]))
