"""Makes the folder's helpers importable, and shows the nodes' logs when a test fails."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from braid_command import BraidCommand
from node_logs import troubles_of


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            for directory in getattr(value, "network_directories", list)():
                report.sections.append((f"logs of {directory}", troubles_of(directory)))
    return report


@pytest.fixture
def braid():
    """The command line, with directories of its own; nothing of it is left behind."""
    with BraidCommand() as command:
        yield command
