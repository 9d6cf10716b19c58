"""Readers of NDJSON. Those that make tables take lines that are objects, and whole files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from peers.event_streams import httpx_response
from peers.peer import Peer
from stream_framing_conformance import Case, text_of


def whole(chunks: list[bytes]) -> io.BytesIO:
    return io.BytesIO(b"".join(chunks))


def httpx_lines(chunks: list[bytes]) -> Iterator[Any]:
    for line in httpx_response(chunks).iter_lines():
        if line.strip():
            yield json.loads(line)


def jsonlines(chunks: list[bytes]) -> Iterator[Any]:
    yield from import_module("jsonlines").Reader(whole(chunks)).iter(skip_empty=True)


def orjsonl(chunks: list[bytes]) -> Iterator[Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lines.jsonl"
        path.write_bytes(b"".join(chunks))
        yield from import_module("orjsonl").stream(path)


def msgspec(chunks: list[bytes]) -> Iterator[Any]:
    yield from import_module("msgspec").json.Decoder().decode_lines(b"".join(chunks))


def polars(chunks: list[bytes]) -> Iterator[Any]:
    yield from import_module("polars").read_ndjson(whole(chunks), infer_schema_length=None).to_dicts()


def pyarrow(chunks: list[bytes]) -> Iterator[Any]:
    yield from import_module("pyarrow.json").read_json(whole(chunks)).to_pylist()


def pandas(chunks: list[bytes]) -> Iterator[Any]:
    frame = import_module("pandas").read_json(whole(chunks), lines=True, convert_dates=False, dtype=False)
    yield from frame.to_dict("records")


def duckdb(chunks: list[bytes]) -> Iterator[Any]:
    library = import_module("duckdb")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lines.jsonl"
        path.write_bytes(b"".join(chunks))
        query = "SELECT json FROM read_ndjson_objects(?)"
        with library.connect(config={"threads": 1}) as connection:
            rows = connection.execute(query, [str(path)]).fetchall()
        for (text,) in rows:
            yield json.loads(text)


def has_rows_alone(case: Case) -> bool:
    """Whether all lines are objects of one shape, as rows of a table are."""
    values = [json.loads(text_of(one["value_json"])) for one in case.expected if "value_json" in one]
    return bool(values) and all(isinstance(value, dict) and value.keys() == values[0].keys() for value in values)


TABLE = "a reader of tables: held to the cases whose lines are rows"
FILE = "a reader of whole files"

PEERS = [
    Peer("httpx", httpx_lines, about="`iter_lines` and `json.loads`"),
    Peer("jsonlines", jsonlines, chunked=False, about=FILE),
    Peer("orjsonl", orjsonl, chunked=False, about=FILE),
    Peer("msgspec", msgspec, chunked=False, about="`decode_lines`, which takes all at once"),
    Peer("duckdb", duckdb, chunked=False, about=f"`read_ndjson_objects`; {FILE}"),
    Peer("polars", polars, chunked=False, concerns=has_rows_alone, about=TABLE),
    Peer("pyarrow", pyarrow, chunked=False, concerns=has_rows_alone, about=TABLE),
    Peer("pandas", pandas, chunked=False, concerns=has_rows_alone, about=TABLE),
]
