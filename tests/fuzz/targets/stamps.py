"""A stamp that is read is written back as the same time, in the form that it had."""

from __future__ import annotations

from typing import Any

import orjson

from fuzz.inputs import split
from ndstream.logs._stamps.stamp_error import StampError
from ndstream.logs._stamps.stamp_reader import StampReader


def stamps(data: bytes) -> None:
    head, stream = split(data)
    text = stream.decode("utf-8", "replace")
    value: Any = text
    if head[0] < 0x40:
        try:
            value = orjson.loads(text)
        except ValueError:
            return
    reader, again = StampReader("t"), StampReader("t")
    try:
        line = orjson.dumps({"t": value})
        time = reader.read(orjson.loads(line))
        again.read(orjson.loads(line))
        written = reader.replace(line, time)
        assert again.read(orjson.loads(written)) == time, (line, written, time)
        if head[1] & 1:
            # Another time, in the same form, comes back as far as the form tells times apart.
            other = reader.replace(line, time + 86_400_000_000_000)
            assert again.read(orjson.loads(other)) - time in (86_400_000_000_000, 86_399_000_000_000), (line, other)
    except (StampError, orjson.JSONEncodeError):
        return
