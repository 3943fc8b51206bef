"""What is agreed on: types, the canonical codec, blocks, votes, certificates, keys, genesis.

Pure: no clock, randomness, IO, Ray or asyncio.
"""
