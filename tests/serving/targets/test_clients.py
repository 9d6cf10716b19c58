"""What official clients make of each target: the table, and every reply of every wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .clients import CLIENTS, Client
from .serving_targets import serving_targets
from .table import COLUMNS, row


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving_targets() as base:
        yield base


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_a_client_gets_text_thoughts_calls_usage_refusals_errors_and_cuts_right(client: Client, base: str) -> None:
    assert row(client, base) == dict.fromkeys(COLUMNS, True)
