"""What each target begins with: the cases of the conformance corpus, replies made by hand, and inputs found before."""

from __future__ import annotations

import ast
import zlib
from collections.abc import Iterator
from pathlib import Path

from fuzz.names import HEAD
from stream_framing_conformance import cases

CORPUS = Path(__file__).parent / "corpus"

FRAMINGS = {"archives": ("ndjson",), "containers": ("ndjson",), "concatenated": ("concatenated", "json")}
ANY = ("ways_in", "reentry", "interrupts", "encoders")
OWN = {
    "partial_json": [b'{"a":[1,-2.5e3,"\\u00e9\\ud83d\\ude00",null,true],"b":{}}', b'"\\', b"[[[[1]]]]"],
    "encoders": [b"tick\x007\x00a\nb\r\nc\rd", b"\0\0", b"e\nvil\0\0x"],
    "stamps": [b"2024-02-29T23:59:60.123456789Z", b'"2024-01-01 00:00:00,5"', b"1700000000123", b"1e9", b'{"$date":1}'],
    "containers": [
        b'{"log":"{\\"a\\":1}\\n","stream":"stdout","time":"2024-01-01T00:00:00Z"}\n',
        b'2024-01-01T00:00:00Z stdout P {"a"\n2024-01-01T00:00:00Z stdout F :1}\n',
    ],
    "checkpoints": [
        b'{"path":"a","device":1,"inode":2,"format":"plain","offset":3,"line":4,"delivered":0,"compressed_offset":0,'
        b'"member":[0,0],"head":[0,""],"anchor":[0,""],"unfinished":[{"time":"t","stream":"stdout","offset":1,'
        b'"line":1,"size":1,"text_base64":"YQ=="}],"path_base64":"YQ=="}',
    ],
}


def seeds(name: str) -> Iterator[bytes]:
    """The inputs that a target begins with."""
    framings = FRAMINGS.get(name, (name,))
    for case in cases():
        chosen = zlib.crc32(case.data) % 8 == 0 if name in ANY else case.framing in framings
        if chosen and len(case.data) <= 2000:
            yield bytes(HEAD) + case.data
    if name in ("replies", "relays"):
        from llm.examples import EXAMPLES

        for number, example in enumerate(EXAMPLES):
            yield bytes([number % 256, 0, 0, 0]) + b"".join(example.frames)
    for text in OWN.get(name, []):
        for first in range(5):
            yield bytes([first]) + bytes(HEAD - 1) + text
    yield from kept(name)


def kept(name: str) -> list[bytes]:
    """The inputs that were found before, a literal of bytes on each line."""
    file = CORPUS / f"{name}.txt"
    return [ast.literal_eval(line) for line in file.read_text("ascii").splitlines()] if file.exists() else []
