"""JAX as the prover needs it: 64-bit products and a persistent compilation cache.

Import this before anything else of JAX. The platform is left to the user (JAX_PLATFORMS).

Compiled programs are kept in the folder that BRAID_CACHE_DIR names (default: ~/.cache/braid/jax);
a cache that the user configured for JAX itself is left alone.
"""

from __future__ import annotations

import os
from pathlib import Path

import jax


def _set(option: str, value: object) -> None:
    jax.config.update(option, value)  # type: ignore[no-untyped-call]  # JAX leaves it untyped


_set("jax_enable_x64", True)

if jax.config.values["jax_compilation_cache_dir"] is None:
    _set(
        "jax_compilation_cache_dir",
        os.environ.get("BRAID_CACHE_DIR", os.fspath(Path.home() / ".cache" / "braid" / "jax")),
    )
    _set("jax_persistent_cache_min_compile_time_secs", 0.0)
