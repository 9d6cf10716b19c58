"""Each library, handed over as it is: the right values, promptly, and its connection released however it ends."""

from __future__ import annotations

import pytest

from . import many_opens
from .async_clients import AWAITING
from .clients import Awaiting, Blocking
from .programs import ask
from .scenarios import CELLS, FORMATS, Cell, Format, Skipped
from .sync_clients import BLOCKING

OPENS = 30


def name(client: Blocking | Awaiting) -> str:
    return f"{client.name}-{'sync' if isinstance(client, Blocking) else 'async'}"


each_client = pytest.mark.parametrize("client", [*BLOCKING, *AWAITING], ids=name)
each_format = pytest.mark.parametrize("format", FORMATS)


@each_client
@each_format
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_library_s_response(client: Blocking | Awaiting, format: Format, cell: Cell) -> None:
    client.require()
    try:
        ask(client, format, cell)
    except Skipped as why:
        pytest.skip(str(why))


@each_client
def test_opening_and_leaving_leaves_nothing(client: Blocking | Awaiting) -> None:
    client.require()
    if client.stays:
        pytest.skip(client.stays)
    left = many_opens.leak(client, "ndjson", OPENS)
    assert left.none, str(left)
