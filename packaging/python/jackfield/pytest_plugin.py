"""The fixtures of pytest; pytest loads them wherever this package is installed."""

from __future__ import annotations

from typing import Iterator

import pytest

from .testing import Options, Server


@pytest.fixture(scope="session")
def jackfield_options() -> Options:
    """How the server is started. Override it in a conftest.py."""
    return Options()


@pytest.fixture(scope="session")
def jackfield_server(jackfield_options: Options) -> Iterator[Server]:
    """A server for the whole session, which nobody resets. With pytest-xdist each worker has its own."""
    with Server(jackfield_options) as server:
        yield server


@pytest.fixture
def jackfield(jackfield_server: Server) -> Server:
    """The server of the session with nothing but the data that it starts with."""
    jackfield_server.reset()
    return jackfield_server
