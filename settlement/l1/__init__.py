"""L1 through JSON-RPC: everything that it answers is hostile until decoded."""
