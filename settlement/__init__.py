"""Settlement of the ZK chain on an Ethereum chain (L1).

What is wanted is worked out anew at every tick from two things: the journal (which batches
this node has cut, which transactions it has signed) and L1 itself (which data are posted,
which batches are committed, proven, final). Nothing else is remembered, so a kill at any
moment, a reorg, or another node that did the work first need no case of their own.

================  =======================================================================
``l1``            any JSON-RPC endpoint: client, transactions of one key, events
``batching``      where to cut (pure)
``pipeline``      what a batch still needs (pure), and the loop that gets it done
``deployment``    the contracts
================  =======================================================================

The rules that make it safe:

- A transaction is signed once per nonce and fee, and is in the journal before it leaves.
  A nonce is never given to two calls unless L1 shows that somebody else used it.
- A call is named by what it does (recipient and data). Each does its work once, whoever
  sends it: the contract reverts for the second.
- Only confirmed blocks count as settled; what a reorg drops is sent again under its nonce.
"""
