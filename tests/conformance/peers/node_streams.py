"""Decoders of event streams from npm, asked through one process of Node.js."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from peers.peer import Peer
from stream_framing_conformance import Decode, ReceivedEvent

PROGRAM = Path(__file__).with_name("node_streams.mjs")
NAMES = ("eventsource-parser", "undici", "eventsource")


class Node:
    """A process that holds the libraries of a folder with `node_modules`."""

    def __init__(self, folder: Path) -> None:
        self._modules = folder / "node_modules"
        # Modules are looked for beside the program, whatever the working directory.
        program = folder / PROGRAM.name
        program.write_bytes(PROGRAM.read_bytes())
        self._process = subprocess.Popen(
            [str(self._modules / ".bin" / "node"), "--no-warnings", str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def peers(self) -> Iterator[Peer]:
        for name in NAMES:
            version = json.loads((self._modules / name / "package.json").read_text())["version"]
            yield Peer(name, self._decoder(name), version=version, about="npm")

    def close(self) -> None:
        # Closing its input would not end it: the timers of a reconnection go on.
        self._process.kill()
        self._process.wait()

    def _decoder(self, name: str) -> Decode:
        def decode(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
            request = {"decoder": name, "chunks": [base64.b64encode(chunk).decode() for chunk in chunks]}
            requests = self._pipe(self._process.stdin)
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
            answer = json.loads(self._pipe(self._process.stdout).readline())
            for event in answer["events"]:
                yield ReceivedEvent(event["event"], event["data"], event["id"])
            if "error" in answer:
                raise ValueError(answer["error"])

        return decode

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe
