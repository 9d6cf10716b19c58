"""A text in pieces is the value that orjson makes of it, or refused by both; how it is cut never matters."""

from __future__ import annotations

from typing import Any

import orjson

from fuzz.inputs import pieces, split
from fuzz.oracle_runs import note_oracle_run
from inputs.cuts import exact
from ndstream import llm


def partial_json(data: bytes) -> None:
    head, stream = split(data)
    text = stream.decode("utf-8", "surrogatepass" if head[0] == 255 and _surrogates(stream) else "replace")
    cut = llm.PartialJSON()
    read = head[0] & 1
    for piece in pieces_of_text(text, head[3]):
        cut.feed(piece)
        if read:
            _ = cut.value
            _ = cut.finished
            _ = cut.tail
    whole = llm.PartialJSON().feed(text)
    assert exact(cut.value) == exact(whole.value), (cut.value, whole.value)
    assert cut.complete == whole.complete
    assert (cut.error is None) == (whole.error is None), (cut.error, whole.error)
    value: Any = None
    try:
        value = cut.finish()
        refused = False
    except llm.PartialJSONError:
        refused = True
    note_oracle_run()
    try:
        expected = orjson.loads(text)
    except ValueError:
        assert refused, f"{text!r} is no JSON, and gave {value!r}"
    else:
        assert not refused, f"{text!r} is JSON, and was refused"
        assert exact(value) == exact(expected), (value, expected)


def pieces_of_text(text: str, seed: int) -> list[str]:
    found, place = [], 0
    for piece in pieces(bytes(len(text)), seed):
        found.append(text[place : place + len(piece)])
        place += len(piece)
    return found


def _surrogates(stream: bytes) -> bool:
    try:
        stream.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True
