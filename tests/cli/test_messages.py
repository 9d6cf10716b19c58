"""Advice of errors speaks of options, and the bytes of a frame are shown as they are."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import ndstream
from ndstream import logs
from ndstream._cli.control_characters import without_controls
from ndstream._cli.messages import with_options

DIAGNOSIS = Path(ndstream.__file__).parent / "_diagnosis.py"

PYTHON = re.compile(r"\w\(\)|\b[a-z]+_[a-z_]+|\w=[\"\d]|\bNone\b")
"""A call, a name with an underscore or an argument, as no option and no sentence has them."""

OPTIONS_WITHOUT_A_COUNTERPART = re.compile(r"blank_lines|require_done|idle_timeout|a chunk must be bytes")
"""The command leaves these as they are, so that their messages never appear in it."""


def advice() -> list[str]:
    """The words of errors that are written for programs."""
    tree = ast.parse(DIAGNOSIS.read_text())
    with_docstring = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, with_docstring)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text for text in texts if " " in text and text not in docstrings and PYTHON.search(text)]


def test_the_words_that_are_written_for_programs_are_found() -> None:
    assert len(advice()) > 8


@pytest.mark.parametrize("text", advice())
def test_advice_for_programs_is_put_in_options(text: str) -> None:
    assert OPTIONS_WITHOUT_A_COUNTERPART.search(text) or not PYTHON.search(with_options(text)), with_options(text)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such devices")
def test_advice_of_errors_of_logs_is_put_in_options(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"{}\n")
    with pytest.raises(ndstream.DecodeError) as no_envelope:
        next(logs.read(tmp_path / "log", unwrap="docker"))
    assert "leave out --unwrap for lines" in with_options(str(no_envelope.value))
    with pytest.raises(ValueError, match="use read") as no_file:
        logs.splits("/dev/null")
    assert with_options(str(no_file.value)).endswith("cannot be read twice: use ndstream cat")


@pytest.mark.parametrize(
    "frame",
    [b"use sse(), or stream() to take their JSON", b"'max_frame_size'", b'"it\'s" max_frame_size', b"\\' use ndjson()"],
)
def test_the_bytes_of_a_frame_stay_as_they_are(frame: bytes) -> None:
    assert with_options(f"max_frame_size: {frame!r}; use ndjson()") == (
        f"--max-frame-size: {frame!r}; use --format ndjson"
    )


def test_control_characters_do_nothing_to_a_terminal() -> None:
    assert without_controls("a\x1b]0;x\x07\x9b1m\tb\r\nc\x7f\rd") == "a\ufffd]0;x\ufffd\ufffd1m\tb\nc\ufffdd"
