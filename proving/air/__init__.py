"""The AIR language: each chip is written once and evaluated by several back-ends.

expression      polynomials over the cells of one row and the next
chip            what a chip declares: columns, constraints, bus interactions
evaluate        one evaluator for integers, extension elements and arrays
check           tries whole traces against their chips, for tests and debugging
"""
