"""Readers of JSON values in a row."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from peers.peer import Peer


class Chunks:
    """A file whose reads end where the chunks do."""

    def __init__(self, chunks: list[bytes]) -> None:
        # An empty read would be the end of the file.
        self._chunks = iter([chunk for chunk in chunks if chunk])

    def read(self, size: int) -> bytes:
        return next(self._chunks, b"") if size else b""


def ijson(chunks: list[bytes]) -> Iterator[Any]:
    library = import_module("ijson")
    yield from library.items(Chunks(chunks), "", multiple_values=True, use_float=True)


def jq(chunks: list[bytes]) -> Iterator[Any]:
    done = subprocess.run(["jq", "-c", "."], input=b"".join(chunks), capture_output=True, check=False, timeout=60)
    for line in done.stdout.splitlines():
        yield json.loads(line)
    if done.returncode:
        raise ValueError(done.stderr.decode("utf-8", "replace").strip())


def jq_version() -> str:
    return subprocess.run(["jq", "--version"], capture_output=True, check=True, text=True).stdout.strip().lstrip("jq-")


PEERS = [Peer("ijson", ijson)]
if shutil.which("jq"):
    PEERS.append(Peer("jq", jq, chunked=False, version=jq_version(), about="a program, given all at once"))
