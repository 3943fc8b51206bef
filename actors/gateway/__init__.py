"""The gateway's backends: they answer JSON-RPC by calls to the node's other actors."""
