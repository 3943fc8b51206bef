"""A token bucket over bytes and frames: how long to pause reading from a peer."""

from __future__ import annotations


class RateLimit:
    """Bounds what one peer may make us read and handle per second.

    Parameters
    ----------
    bytes_per_second, frames_per_second
        Sustained rates; one second's worth may come at once.
    """

    MAXIMUM_PAUSE_SECONDS = 0.25
    """Pauses stay short, so that heartbeats of a busy peer still count as life."""

    def __init__(self, bytes_per_second: float, frames_per_second: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._frames_per_second = frames_per_second
        self._bytes_left = bytes_per_second
        self._frames_left = frames_per_second
        self._refilled_seconds: float | None = None

    def charge(self, now_seconds: float, received_bytes: int, frames: int) -> float:
        """Account for received bytes and frames; return the seconds to pause."""
        if self._refilled_seconds is not None:
            elapsed = now_seconds - self._refilled_seconds
            self._bytes_left = min(
                self._bytes_per_second, self._bytes_left + elapsed * self._bytes_per_second
            )
            self._frames_left = min(
                self._frames_per_second, self._frames_left + elapsed * self._frames_per_second
            )
        self._refilled_seconds = now_seconds
        self._bytes_left -= received_bytes
        self._frames_left -= frames
        debt_seconds = max(
            -self._bytes_left / self._bytes_per_second,
            -self._frames_left / self._frames_per_second,
        )
        return min(max(debt_seconds, 0.0), self.MAXIMUM_PAUSE_SECONDS)
