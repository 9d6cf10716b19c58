"""What is public, that it is typed and documented, and that importing it loads no more than it must."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pathlib
import re
import subprocess
import sys
from typing import Any, get_origin

import pytest

import ndstream

PACKAGE = pathlib.Path(ndstream.__file__).parent
STUB = ast.parse((PACKAGE / "_core.pyi").read_text())


def test_the_public_names_are_these() -> None:
    assert ndstream.__all__ == [
        "AsyncStream",
        "ConcatenatedJSONDecoder",
        "DecodeError",
        "Decoder",
        "EncodeError",
        "Event",
        "FrameTooLargeError",
        "InvalidJSONError",
        "JSONSeqDecoder",
        "NDJSONDecoder",
        "SSEDecoder",
        "SSEEncoder",
        "Stream",
        "StreamError",
        "TruncatedError",
        "concatenated",
        "encode_comment",
        "encode_jsonseq",
        "encode_ndjson",
        "encode_sse",
        "jsonseq",
        "ndjson",
        "sse",
        "stream",
    ]
    for name in ndstream.__all__:
        assert hasattr(ndstream, name)


def test_the_package_for_llm_replies_is_loaded_when_it_is_asked_for() -> None:
    program = (
        "import sys, ndstream; before = 'ndstream.llm' in sys.modules; "
        'print(before, ndstream.llm.collect(b\'{"response":"Hi","done":true}\').text)'
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "Hi"]
    with pytest.raises(AttributeError, match="nothing"):
        _ = ndstream.nothing


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_importing_ndstream_needs_orjson_and_nothing_else() -> None:
    program = (
        "import sys, orjson; before = set(sys.modules); import ndstream; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names) - {'cython_runtime'}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["ndstream"]


def test_importing_ndstream_leaves_out_what_only_some_need() -> None:
    left_out = {"llm", "logs", "serving", "dropin", "_cli"}
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert left_out <= there
    program = "import sys, ndstream; print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = ran.stdout.split()
    packages = {name.split(".")[1] for name in loaded if name.startswith("ndstream.")}
    assert packages == there - left_out - {"__init__", "__main__"} | {"_core"}
    assert not {"asyncio", "http", "ssl", "click", "rich"} & set(loaded)


def test_serving_leaves_out_the_page_and_what_it_needs_until_it_is_asked_for() -> None:
    program = "import sys; from ndstream import serving; print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "ndstream.serving._relay" in loaded
    assert not {"ndstream.serving._page", "starlette"} & loaded


def test_reading_logs_loads_nothing_to_follow_replay_or_mend_them() -> None:
    program = "import sys; from ndstream import logs; logs.read; print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "ndstream.logs._reading.read" in loaded
    later = ["_check", "_dask.collections", "_dead_letters.redrive", "_following.follow", "_repair", "_replay"]
    assert not {f"ndstream.logs.{name}" for name in later} & loaded


def test_all_public_names_of_logs_are_there() -> None:
    from ndstream import logs

    assert set(logs.__all__) <= set(dir(logs))
    for name in logs.__all__:
        assert getattr(logs, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        _ = logs.nothing


@pytest.mark.parametrize("name", ["ndjson", "sse", "jsonseq", "concatenated", "stream"])
def test_a_way_in_documents_each_of_its_options(name: str) -> None:
    function = getattr(ndstream, name)
    documentation = inspect.getdoc(function)
    assert documentation is not None
    for parameter in inspect.signature(function).parameters:
        assert f"{parameter}:" in documentation


@pytest.mark.parametrize(
    "decoder", [ndstream.NDJSONDecoder, ndstream.SSEDecoder, ndstream.JSONSeqDecoder, ndstream.ConcatenatedJSONDecoder]
)
def test_decoders_show_their_options_at_run_time(decoder: Any) -> None:
    parameters = inspect.signature(decoder).parameters
    assert parameters["max_frame_size"].default == 16 * 1024 * 1024
    [documented] = [node for node in STUB.body if getattr(node, "name", None) == decoder.__name__]
    assert isinstance(documented, ast.ClassDef)
    documentation = ast.get_docstring(documented)
    assert documentation is not None
    for parameter in parameters:
        assert f"{parameter}:" in documentation


@pytest.mark.parametrize("name", ["ndjson", "sse", "jsonseq", "concatenated", "stream"])
def test_the_ways_in_have_the_defaults_of_the_decoders(name: str) -> None:
    decoder: Any = {
        "ndjson": ndstream.NDJSONDecoder,
        "sse": ndstream.SSEDecoder,
        "jsonseq": ndstream.JSONSeqDecoder,
        "concatenated": ndstream.ConcatenatedJSONDecoder,
        "stream": ndstream.SSEDecoder,
    }[name]
    theirs = inspect.signature(decoder).parameters
    for parameter in inspect.signature(getattr(ndstream, name)).parameters.values():
        if parameter.name in theirs and parameter.name not in ("loads", "done"):
            assert parameter.default == theirs[parameter.name].default


def test_decoders_and_streams_take_a_type_for_their_values() -> None:
    for kind in (ndstream.NDJSONDecoder, ndstream.SSEDecoder, ndstream.JSONSeqDecoder, ndstream.Stream):
        assert get_origin(kind[int]) is kind
    assert get_origin(ndstream.AsyncStream[int]) is ndstream.AsyncStream


def test_the_shared_decoder_cannot_be_used_by_itself() -> None:
    with pytest.raises(TypeError, match="NDJSONDecoder"):
        ndstream.Decoder()


def test_the_examples_in_the_stub_run() -> None:
    """Those of the modules run as doctests; a stub is not imported."""
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    count = 0
    for node in ast.walk(STUB):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and (text := ast.get_docstring(node)):
            examples = parser.get_doctest(text, {}, node.name, "_core.pyi", node.lineno)
            count += len(examples.examples)
            runner.run(examples)
    assert count >= 10
    assert runner.failures == 0


WITH_EXAMPLES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py" and re.search(r">>> (?!.*\+SKIP)", path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_in_the_modules_run(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
