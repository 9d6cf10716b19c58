"""Each example of a client runs against a server, and docs/http.md names each of them."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import pathlib
from typing import Any

import pytest

import real_parts
from doubles.loopback import response, serving

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = sorted(ROOT.glob("examples/http/*.py"))


def load(path: pathlib.Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        real_parts.missing(str(error.name), "pip install 'ndstream[test]'")
    return module


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until closed"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_gives_the_values_of_the_server(path: pathlib.Path, chunked: bool) -> None:
    module = load(path)
    answer = response(b'data: {"a":1}\n\nda', b"ta: 2\n\ndata: [DONE]\n\n", kind="text/event-stream", chunked=chunked)
    with serving(answer) as server:
        values = module.main(server.url)
        assert (asyncio.run(values) if inspect.iscoroutine(values) else values) == [{"a": 1}, 2]


def test_the_page_links_each_example() -> None:
    page = (ROOT / "docs" / "http.md").read_text()
    assert len(EXAMPLES) > 10
    for path in EXAMPLES:
        assert f"(../examples/http/{path.name})" in page
