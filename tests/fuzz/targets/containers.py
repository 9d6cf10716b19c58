"""Logs of containers: texts put into envelopes come out again, and any bytes give typed errors alone."""

from __future__ import annotations

import io
from typing import Any

import orjson

import ndstream
from fuzz.inputs import pieces, split
from fuzz.oracle_runs import note_oracle_run
from ndstream import logs

TIME = "2024-01-01T00:00:00.5Z"


def containers(data: bytes) -> None:
    head, stream = split(data)
    container: Any = ("docker", "cri")[head[0] & 1]
    if head[0] & 2:
        _any_bytes(container, stream)
    else:
        _texts(container, stream, head)


def _any_bytes(container: Any, log: bytes) -> None:
    errors: list[Any] = []
    with logs.read(io.BytesIO(log), unwrap=container, on_error=errors.append) as records:
        try:
            values = list(records)
        # Bytes may begin as an archive does whose library is not here.
        except (logs.LogFileError, ModuleNotFoundError):
            return
    assert len(values) + len(errors) <= log.count(b"\n") + log.count(b"\0") + 2


def _texts(container: Any, stream: bytes, head: bytes) -> None:
    texts = stream.decode("utf-8", "replace").encode().split(b"\n")
    log = b"".join(_envelopes(container, text, head[3]) for text in texts)
    errors: list[Any] = []
    with logs.read(io.BytesIO(log), unwrap=container, on_error=errors.append) as records:
        found = list(records)
    note_oracle_run()
    wrong: list[Any] = []
    values: list[Any] = []
    decoder = ndstream.NDJSONDecoder(on_error=wrong.append)
    for text in texts:
        values.extend(decoder.feed(text + b"\n"))
        # What follows is in the middle of a log, where no BOM is allowed.
        decoder.reset(offset=1, line=1)
    assert [record.value for record in found] == values, (found, values)
    assert [error.reason for error in errors] == [error.reason for error in wrong], (errors, wrong)
    assert all(record.time == TIME and record.stream == "stdout" for record in found)


def _envelopes(container: str, text: bytes, seed: int) -> bytes:
    if container == "docker":
        # Its parts are cut between characters.
        parts = text.decode()
        size = 1 + seed % 32 + len(parts) // 16
        cut = [parts[place : place + size] for place in range(0, len(parts), size)]
        cut = [*cut[:-1], (cut[-1] if cut else "") + "\n"]
        return b"".join(orjson.dumps({"log": part, "stream": "stdout", "time": TIME}) + b"\n" for part in cut)
    # The text goes to the end of the line, and a CR before that is part of it.
    chunks = pieces(text, seed & ~1)
    return b"".join(
        b"%s stdout %s %s\n" % (TIME.encode(), b"P" if number < len(chunks) else b"F", chunk)
        for number, chunk in enumerate(chunks or [b""], 1)
    )
