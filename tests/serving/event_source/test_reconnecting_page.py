"""Each example of docs/reconnecting.md runs, against a server that ends each connection after an event."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest

import real_parts

from .test_request_headers import recording_server

PAGE = (pathlib.Path(__file__).resolve().parents[3] / "docs" / "reconnecting.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PRINTS = {
    "httpx.Client(": "1 a\n2 a\n",
    "aiohttp.ClientSession(": "1 a\n2 a\n",
    "five_attempts": "a\na\n",
    "def log": "a\nattempt 1 in 0 s: None\na\nattempt 1 in 0 s: None\n",
    "stored.write_text": "a\na\n",
    "connect_after": "1\n2\n",
    "ndstream.relay": "b'id: 1\\nretry: 1\\ndata: a\\n\\n'\nb'id: 2\\nretry: 1\\ndata: a\\n\\n'\n",
}


def test_each_block_is_looked_at() -> None:
    assert [[name for name in PRINTS if name in block] for block in BLOCKS] == [[name] for name in PRINTS]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_runs_and_prints_what_it_says(
    number: int, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = list(PRINTS)[number]
    real_parts.library("aiohttp")
    httpx = real_parts.library("httpx")
    data = ['{"sequence_number": 1}', '{"sequence_number": 2}'] if name == "connect_after" else ["a", "a"]
    with recording_server("1", "2", data=data) as (url, heads), httpx.Client() as client:
        names: dict[str, Any] = {
            "url": url,
            "client": client,
            "connect": lambda headers: client.stream("GET", url, headers=headers),
        }
        exec(BLOCKS[number], names)
        assert capsys.readouterr().out == PRINTS[name]
        assert len(heads) == 3
        if name == "stored.write_text":
            assert (tmp_path / "last_event_id").read_text() == "2"
        if name == "connect_after":
            assert [head.split()[1] for head in heads] == [b"/?starting_after=%d" % after for after in (-1, 1, 2)]
        if names["client"] is not client:
            names["client"].close()
