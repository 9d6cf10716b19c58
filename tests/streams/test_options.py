"""The options of the ways in: their overloads, their implementation, the decoders' stub and the documentation agree."""

from __future__ import annotations

import ast
import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ndstream
from ndstream import _facade
from ndstream._streams.read_options import ReadOptions

PACKAGE = Path(ndstream.__file__).parent
FACADE = ast.parse((PACKAGE / "_facade.py").read_text(encoding="utf-8"))
STUB = ast.parse((PACKAGE / "_core.pyi").read_text(encoding="utf-8"))
DECODERS = {
    "ndjson": "NDJSONDecoder",
    "sse": "SSEDecoder",
    "jsonseq": "JSONSeqDecoder",
    "concatenated": "ConcatenatedJSONDecoder",
}
OF_DECODERS_ALONE = {"values", "sample", "seed"}
"""`stream` asks for values, and `ndstream.logs` for samples of lines."""
WAYS_IN = [name for name in _facade.__all__ if name.islower()]
SEE_ELSEWHERE = re.compile(r"as\s+in\s+`(\w+)`")


def implementation(name: str) -> inspect.Signature:
    return inspect.signature(getattr(_facade, name))


def options(name: str) -> list[str]:
    return [option for option in implementation(name).parameters if option != "source"]


def overloads(name: str) -> Iterator[ast.FunctionDef]:
    for node in FACADE.body:
        if isinstance(node, ast.FunctionDef) and node.name == name and node.decorator_list:
            yield node


def documented(docstring: str) -> dict[str, str]:
    """The arguments in a docstring, in order, with what is said of each."""
    section = inspect.cleandoc(docstring).partition("Args:\n")[2].partition("\n\n")[0]
    entries = re.split(r"^    (?=\w+: )", section, flags=re.MULTILINE)[1:]
    return {entry.partition(": ")[0]: " ".join(entry.partition(": ")[2].split()) for entry in entries}


def stub_class(name: str) -> ast.ClassDef:
    return next(node for node in STUB.body if isinstance(node, ast.ClassDef) and node.name == name)


def stub_defaults(decoder: str) -> Iterator[dict[str, Any]]:
    """For each signature of the decoder, its options with their defaults, as far as the stub spells them out."""
    for node in stub_class(decoder).body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            yield {
                option.arg: ast.literal_eval(default)
                for option, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                if default is not None
            }


def test_each_way_in_is_looked_at() -> None:
    assert {*DECODERS, "stream"} == set(WAYS_IN)


@pytest.mark.parametrize("name", WAYS_IN)
def test_the_options_are_keywords(name: str) -> None:
    kinds = {option: parameter.kind for option, parameter in implementation(name).parameters.items()}
    assert kinds.pop("source") is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert set(kinds.values()) == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("name", WAYS_IN)
def test_every_overload_has_the_options_of_the_implementation(name: str) -> None:
    hints = typing.get_type_hints(getattr(_facade, name))
    seen = 0
    for overload in overloads(name):
        seen += 1
        assert overload.args.kwarg is not None
        assert isinstance(overload.args.kwarg.annotation, ast.Subscript)
        typed = typing.get_type_hints(getattr(_facade, ast.unparse(overload.args.kwarg.annotation.slice)))
        explicit = {option.arg for option in overload.args.kwonlyargs}
        assert not explicit & set(typed)
        # Without `loads` the values are of any type, which that overload says by leaving it out.
        assert {*explicit, *typed, "loads"} == set(options(name))
        assert {option: hints[option] for option in typed} == typed
    assert seen >= 3


@pytest.mark.parametrize("name", WAYS_IN)
def test_every_option_is_documented_in_the_order_of_the_signature(name: str) -> None:
    entries = documented(getattr(_facade, name).__doc__)
    assert list(entries) == ["source", *options(name)]
    for option, text in entries.items():
        for other in SEE_ELSEWHERE.findall(text):
            assert option in documented(getattr(_facade, other).__doc__)


@pytest.mark.parametrize("name", WAYS_IN)
def test_every_way_in_has_the_options_of_reading_with_the_same_defaults(name: str) -> None:
    parameters, of_ndjson = implementation(name).parameters, implementation("ndjson").parameters
    for option in inspect.signature(ReadOptions).parameters:
        assert parameters[option] == of_ndjson[option]


@pytest.mark.parametrize(("name", "decoder"), DECODERS.items())
def test_a_way_in_has_the_options_of_its_decoder_with_the_same_defaults(name: str, decoder: str) -> None:
    parameters = implementation(name).parameters
    signatures = list(stub_defaults(decoder))
    assert len(signatures) == 2
    for defaults in signatures:
        for option in defaults.keys() - OF_DECODERS_ALONE:
            default = defaults[option]
            assert default is ... or parameters[option].default == default, option
    reading = inspect.signature(ReadOptions).parameters
    accepted = {option for defaults in signatures for option in defaults}
    assert set(options(name)) - set(reading) == accepted - OF_DECODERS_ALONE


@pytest.mark.parametrize(("name", "decoder"), DECODERS.items())
def test_the_stub_documents_every_option_of_a_decoder(name: str, decoder: str) -> None:
    entries = documented(ast.get_docstring(stub_class(decoder)) or "")
    assert set(entries) - {"values"} == set(list(stub_defaults(decoder))[-1]) - {"values"}
    reading = inspect.signature(ReadOptions).parameters
    shared = [option for option in options(name) if option not in reading]
    assert [option for option in entries if option not in OF_DECODERS_ALONE] == shared
