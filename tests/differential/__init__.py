"""Both engines on the same blocks."""
