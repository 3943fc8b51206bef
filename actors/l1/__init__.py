"""The embedded L1: an Ethereum chain (Prague) in this process, behind plain JSON-RPC.

For development and tests. It keeps Ethereum's limits of a transaction (16,777,216 gas,
EIP-7825, and 128 KiB) and of a block (60 million gas), survives a killed process, and
runs on either engine: py-evm or the wasm STF. There is no consensus: whoever runs it
makes the blocks, at once or at an interval.
"""
