from pathlib import Path

import pytest
from grown_network import make_grown


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Disks of three validators that have run for a while and hold the same snapshot."""
    directory = tmp_path_factory.mktemp("grown")
    make_grown(directory)
    return directory
