"""What tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from doubles.chat_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as server:
        yield server
