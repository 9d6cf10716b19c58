"""What is measured of a whole process: the most memory a long stream takes, and the time of an import.

The process with the stream in it is this file, run by itself:

    python benchmarks/harness/probes.py ndjson|sse|alone payloads|values BYTES < some small frames
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

CHUNK = 64 * 1024
LARGEST = 8 * 1024 * 1024
"""The largest frame of the stream, in bytes; there is one in every 128 MiB."""
APART = 128 * 1024 * 1024

STATUS = Path("/proc/self/status")


def peak_memory(format: str, wanted: str, small: bytes, size: int) -> float | None:
    """The most MiB above the idle process while so many bytes are streamed; None where none can tell.

    Of the stream the payloads are wanted, as bytes, or their values. The format "alone" is no stream:
    the largest frame is handed to orjson by itself.
    """
    if not STATUS.exists():
        return None
    command = [sys.executable, __file__, format, wanted, str(size)]
    done = subprocess.run(command, input=small, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return float(done.stdout)


def import_milliseconds(times: int) -> float:
    """The processor time of ``import ndstream`` once orjson is imported: the median of fresh interpreters."""
    code = "import time, orjson; t = time.process_time(); import ndstream; print(time.process_time() - t)"
    command = [sys.executable, "-c", code]
    with tempfile.TemporaryDirectory() as compiled:
        # The first one compiles the modules, as installing them does.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        took = [
            float(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
            for _ in range(times + 1)
        ]
    return median(took[1:]) * 1000


def long_stream(format: str, small: bytes, size: int) -> Iterator[bytes]:
    """Chunks, each a new object as if just read: small frames over and over, now and then a large one."""
    head, tail = (b'"', b'"\n') if format == "ndjson" else (b'data: "', b'"\n\n')
    filler = b"x" * CHUNK
    sent = 0
    while sent < size:
        until = sent + min(APART, size)
        while sent < until:
            for begin in range(0, len(small), CHUNK):
                yield memoryview(small)[begin : begin + CHUNK].tobytes()
            sent += len(small)
        yield head
        for _ in range(LARGEST // CHUNK):
            yield memoryview(filler).tobytes()
        yield tail
        sent += LARGEST


def _measure(format: str, wanted: str, size: int) -> float:
    import orjson

    import ndstream

    loads = orjson.loads if wanted == "values" else bytes
    # What is streamed was made in another process: memory that was used and freed here would hide
    # what the stream takes.
    small = sys.stdin.buffer.read()
    gc.collect()
    idle = _resident("VmRSS")
    if format == "alone":
        payload = b"".join((b'"', b"x" * LARGEST, b'"'))
        _forget_peak()
        loads(payload)
    else:
        decoder = (
            ndstream.SSEDecoder(values=True, loads=loads) if format == "sse" else ndstream.NDJSONDecoder(loads=loads)
        )
        _forget_peak()
        for chunk in long_stream(format, small, size):
            for _ in decoder.feed(chunk):
                pass
    return (_resident("VmHWM") - idle) / 2**20


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _resident(which: str) -> int:
    """VmRSS (now) or VmHWM (the most so far), in bytes."""
    found = re.search(rf"{which}:\s+(\d+) kB", STATUS.read_text())
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    print(_measure(sys.argv[1], sys.argv[2], int(sys.argv[3])))
