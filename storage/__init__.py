"""Journal and block store: what survives a crash. Payloads and values are opaque bytes."""
