"""Restarting nodes of a running network, one after the other, so that the ledger goes on."""
