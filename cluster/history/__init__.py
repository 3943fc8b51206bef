"""Looking at a ledger on disk: a node's, running or not, or a backup's."""
