"""What all tests share."""

import os

import pytest

from seedbed.engine.workers import Workers


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory):
    """Keeps what tests accept out of the person's own folder; processes that a test starts inherit it."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before


@pytest.fixture(scope="session")
def elsewhere():
    """Workers of which two other processes make everything."""
    with Workers(2, here=False) as workers:
        yield workers
