"""What is rendered, once for all tests, and the mark of this folder."""

from pathlib import Path

import pytest

from tests.deploy.rendering import KUSTOMIZATIONS, render, unpack_kubectl


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        # `pytest -m deploy` is quick, too.
        if here in item.path.parents and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.deploy)


@pytest.fixture(scope="session")
def kubectl(tmp_path_factory):
    """Path of the binary."""
    return unpack_kubectl(tmp_path_factory.mktemp("kubectl"))


@pytest.fixture(scope="session")
def rendered(kubectl):
    """Objects of each kustomization, by name."""
    return {name: render(kubectl, name) for name in KUSTOMIZATIONS}


@pytest.fixture(scope="session")
def deployments(rendered):
    """What a namespace holds once a job is in it too."""
    dev, operator = rendered["overlays/dev"], rendered["overlays/operator"]
    return {
        "dev": dev,
        "operator": operator,
        "dev with its start and the smoke test": dev + rendered["jobs/up"] + rendered["jobs/smoke"],
        "operator with its start": operator + rendered["jobs/node"],
        "operator with proving job": operator + rendered["jobs/prove"],
    }
