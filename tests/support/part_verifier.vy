# pragma version 0.4.3
"""
@title A verifier for tests: a statement is verified once three parts were submitted
"""

PARTS: constant(uint256) = 3

_parts: HashMap[bytes32, uint256]


@external
def submit(digest: bytes32, part: uint256, filler: Bytes[100000]):
    assert part < PARTS, "verifier: no such part"
    bit: uint256 = 1 << part
    assert self._parts[digest] & bit == 0, "verifier: already submitted"
    self._parts[digest] |= bit


@external
@view
def parts(digest: bytes32) -> uint256:
    return self._parts[digest]


@external
@view
def isVerified(digest: bytes32) -> bool:
    return self._parts[digest] == (1 << PARTS) - 1
