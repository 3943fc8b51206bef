"""What all tests share: how Ray authenticates, and which examples hypothesis takes."""

from hypothesis import settings

import cluster

assert cluster.__doc__, "imported first: it sets variables that Ray reads when it is imported"

settings.register_profile("braid", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("braid")
