"""A real inference engine on loopback: llama.cpp with the tiny model, in a process of its own.

It speaks the OpenAI chat, OpenAI Responses, Anthropic and native completion wires over real HTTP. Run as
a program, this file is that process; it ends when its standard input does, so that none is left behind.
"""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

CONTEXT = 4096
"""Tokens of context for each of two requests at once, or for both together."""
PATIENCE = 60
"""Seconds after which an engine that does not come up is given up; nothing is measured with it."""


class Engine(NamedTuple):
    """An engine that runs.

    Attributes:
        url: Its address, ``http://host:port``.
        kill: Ends its process, whatever it is doing.
    """

    url: str
    kill: Callable[[], None]


@contextmanager
def running(folder: Path, shared: bool = False) -> Iterator[Engine]:
    """Start an engine that lasts as long as the block.

    Args:
        folder: Where to put the model.
        shared: Whether requests share one context, so that two long ones exceed it in mid-stream. What
            one of them gets then depends, in the last digits, on the others.

    Raises:
        RuntimeError: It did not come up; the error holds the end of what it said.
    """
    from llm.tiny_model import make

    model = make(folder / "nonsense.gguf")
    command = [sys.executable, __file__, str(model), *(["shared"] if shared else [])]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
            address = process.stdout.readline().decode().strip() if ready else ""
            if not address.startswith("http"):
                log.seek(0)
                raise RuntimeError(f"the engine did not start: {address} {log.read()[-2000:].decode(errors='replace')}")
            yield Engine(address, process.kill)
        finally:
            process.kill()


def require() -> None:
    """Skip the test if the engine is not installed."""
    import real_parts

    for module in ("xllamacpp", "gguf"):
        # The engine runs in a process of its own; importing it here would load it into this one as well.
        if find_spec(module) is None:
            real_parts.missing(module, "pip install 'ndstream[engine]'")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine, the same for all tests."""
    require()
    with running(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


def serve(model: str, shared: bool) -> None:
    """Run the engine until standard input ends."""
    xllamacpp: Any = import_module("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.model_alias = {"nonsense"}
    parameters.n_ctx = CONTEXT if shared else 2 * CONTEXT
    parameters.n_parallel = 2
    parameters.kv_unified = shared
    parameters.fit_params = False
    parameters.warmup = False
    parameters.ui = False
    parameters.verbosity = 0
    # One thread, and no prompt taken from a cache: equal requests get equal replies, down to the usage.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.cache_prompt = False
    parameters.cache_ram_mib = 0
    # Its Anthropic wire takes no seed from the request.
    parameters.sampling.seed = 7
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1], shared="shared" in sys.argv[2:])
