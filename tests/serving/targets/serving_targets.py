"""The application of `application` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import real_parts
from serving.servers import GET, TESTS, free_port, listens, until


@contextmanager
def serving_targets() -> Iterator[str]:
    """Serve every upstream translated for every target; the base URL."""
    real_parts.library("uvicorn", GET)
    port = free_port()
    command = [sys.executable, "-m", "serving.targets.application", str(port)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(TESTS)}, cwd=TESTS)
    try:
        until(lambda: listens(port) or process.poll() is not None)
        assert process.poll() is None, "the application did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
