"""The node's bridge: attests final blocks, makes certificates, verifies those of others."""
