"""`braid prove`, `braid witness` and `braid verify`."""
