"""What can be wrong with an opening.

OpeningRejected    an opened row does not belong to the committed root, or has a wrong shape
"""

from __future__ import annotations


class OpeningRejected(Exception):
    """An opening does not prove what it claims.

    Parameters
    ----------
    subject
        What was checked, in words.
    expected, got
        The two values that differ.
    """

    def __init__(self, subject: str, expected: object, got: object) -> None:
        super().__init__(f"{subject}: expected {expected}, got {got}")
        self.subject = subject
        self.expected = expected
        self.got = got
