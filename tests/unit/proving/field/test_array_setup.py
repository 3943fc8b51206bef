import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from proving.field import host_arrays
from proving.field.threads import share

PROGRAM = """
import sys, jax
configured = sys.argv[1:]
if configured:
    jax.config.update("jax_compilation_cache_dir", configured[0])
import proving.field.jax_setup
print(jax.config.values["jax_compilation_cache_dir"], jax.config.values["jax_enable_x64"])
"""


def cache_folder(*arguments: str, **variables: str) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment | variables,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()


def test_the_cache_folder_is_below_home_unless_named(tmp_path):
    default = Path(".cache") / "braid" / "jax"
    assert cache_folder(HOME=str(tmp_path), BRAID_CACHE_DIR="/named") == ["/named", "True"]
    environment_default = cache_folder(HOME=str(tmp_path))
    assert environment_default[0].endswith(str(default))


def test_a_cache_that_the_user_configured_is_left_alone():
    assert cache_folder("/mine", BRAID_CACHE_DIR="/named") == ["/mine", "True"]


def test_an_allocated_array_is_handed_over_without_a_copy():
    memory = host_arrays.allocate((3, 1024))
    memory[:] = np.arange(1024)
    array = host_arrays.wrap(memory)
    assert array.unsafe_buffer_pointer() == memory.ctypes.data
    assert host_arrays.to_host(array).ctypes.data == memory.ctypes.data


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_shared_work_covers_every_item_once(count):
    seen: list[int] = []
    lock = threading.Lock()

    def work(first: int, end: int) -> None:
        with lock:
            seen.extend(range(first, end))

    share(work, count)
    assert sorted(seen) == list(range(count))


def test_an_error_in_shared_work_reaches_the_caller():
    def work(first: int, end: int) -> None:
        raise RuntimeError(f"{first}..{end}")

    with pytest.raises(RuntimeError):
        share(work, 100)
