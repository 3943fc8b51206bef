"""One federation for all tests of the folder."""

from collections.abc import Iterator

import pytest
from federated_operators import Federation


@pytest.fixture(scope="package")
def federation() -> Iterator[Federation]:
    """Four operators that run one ledger."""
    found = Federation()
    try:
        found.meet()
        found.start()
        found.wait_until_agree()
        yield found
    finally:
        found.close()
