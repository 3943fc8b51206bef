"""Waiting for an event, but not for ever."""

import asyncio


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, or after so many seconds; at once if they are over."""
    try:
        # Not wait_for: before Python 3.12 it forgets a cancellation that comes together
        # with the event, and whoever is stopped while it waits never ends.
        async with asyncio.timeout(max(seconds, 0.0)):
            await event.wait()
    except TimeoutError:
        return
