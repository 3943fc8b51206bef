"""`braid prover`."""
