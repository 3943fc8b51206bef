"""Copies of a node, made while it runs, and put back.

::

    backup/
      manifest.json    what is here, with the SHA-256 of each file; written last
      genesis.bin      the network, and ...
      network.json     ... its nodes
      ledger/  zk/  fast/    the node's stores at one moment
      l1/deployment.json     where the contracts on L1 are, in a network that settles
      keys/seed  keys/l1.key only if asked for; mode 0600

The vote journal is not in it. An old one says less than its validator has said, and
whoever votes by it contradicts itself: so a restored validator has none, and asks the
others before it votes (:mod:`consensus`, rule 17). Nor are the settlement journal, which L1
says anew, and the prover's jobs, which settlement asks for again.
"""
