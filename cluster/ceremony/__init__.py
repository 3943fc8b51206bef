"""How operators who do not trust each other make a genesis together.

Each makes keys (:mod:`cluster.ceremony.keys`) and hands over an entry without secrets
(:mod:`cluster.ceremony.operator_entry`). Whoever puts the entries together
(:mod:`cluster.ceremony.founding`) has no power but to leave somebody out: each operator checks
the result before joining (:mod:`cluster.ceremony.joining`).
"""
