"""What ``help`` shows of the compiled core is what its stub says, which the documentation shows."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import ndstream
from ndstream import _core

STUB = ast.parse((Path(ndstream.__file__).parent / "_core.pyi").read_text(encoding="utf-8"))
STORED = {"frames", "errors", "done", "array_closed", "unterminated", "last_event_id", "retry", "stray"}
"""Attributes that the core stores as they are, for which the compiler keeps no docstring."""


def is_public(name: str) -> bool:
    return name in ndstream.__all__


def documented() -> Iterator[tuple[str, str, object]]:
    """For each public function, and each method and property of a public class: its name, the stub's and the core's."""
    for node in STUB.body:
        if isinstance(node, ast.FunctionDef) and is_public(node.name):
            yield node.name, ast.get_docstring(node) or "", getattr(_core, node.name)
        if isinstance(node, ast.ClassDef) and is_public(node.name):
            kind = getattr(_core, node.name)
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    told = getattr(kind, method.name)
                    if not (method.name in STORED or (node.name == "Event" and inspect.isgetsetdescriptor(told))):
                        yield f"{node.name}.{method.name}", ast.get_docstring(method) or "", told


@pytest.mark.parametrize(("name", "stub", "told"), [pytest.param(*each, id=each[0]) for each in documented()])
def test_a_docstring_of_the_core_is_that_of_the_stub(name: str, stub: str, told: object) -> None:
    assert stub, f"the stub says nothing of {name}"
    assert inspect.getdoc(told) == inspect.cleandoc(stub)


@pytest.mark.parametrize("kind", [ndstream.NDJSONDecoder, ndstream.SSEDecoder, ndstream.JSONSeqDecoder])
def test_what_a_decoder_overrides_has_the_docstring_of_its_base(kind: type[ndstream.Decoder[object]]) -> None:
    assert inspect.getdoc(kind.feed) == inspect.getdoc(ndstream.Decoder.feed)
