"""FRI: the low-degree test, over polynomials of several heights at once.

schedule   which layers there are, from the heights alone
proof      what the prover sends
prover     folds on arrays (JAX)
verifier   the protocol in words, and its check on plain integers
"""
