"""The prover pool: Ray actors around the queue of :mod:`proving.jobs`.

messages      what crosses between submitter, pool and workers
options       how a pool is set up
programs      what is proved: program, parameter set, key
errors        the error tree
files         witnesses and proofs, each under its digest
keeper        the queue with its disk: persist, then let the effects out
workforce     which workers there are: hired, watched, dismissed
report        what `braid prover status` shows
proving       a program's warm prover; JAX is imported here, in workers only
checking      verification, in a process of its own
outside       what the pool asks of other processes
desk          questions become events, effects become work
actor         ProverPoolActor
worker        ProverWorkerActor
"""
