"""``ndstream serve`` as a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes.commands import COMMAND, PATIENCE, environment

HERE = Path(__file__).parent


class ServedPage:
    """A page that is served.

    Attributes:
        port: Where.
        url: Its address.
        process: What serves it.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stderr is not None
        self.greeting = process.stderr.readline()
        found = re.search(r"(http://127\.0\.0\.1:(\d+)/)", self.greeting)
        assert found is not None, self.greeting + process.stderr.read()
        self.url, self.port = found[1], int(found[2])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop. The status that it ended with."""
        os.kill(self.process.pid, number)
        return self.process.wait(PATIENCE)

    def rest_of_stderr(self) -> str:
        """What it said after its greeting, once it has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)


@contextmanager
def serving_page(*arguments: str, port: int = 0, **variables: str) -> Iterator[ServedPage]:
    """Serve the page until the block ends, or `ServedPage.stop`."""
    command = [*COMMAND, "serve", "--port", str(port), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(**variables)) as process:
        try:
            yield ServedPage(process)
        finally:
            process.kill()
