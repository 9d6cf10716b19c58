"""Fields of lines by dotted paths: the same values as from the whole line, and drift is settled."""

from __future__ import annotations

import io
import sys
from operator import attrgetter
from typing import Any

import orjson
import pytest

import real_parts
from ndstream import DecodeError, logs

real_parts.library("msgspec")

LINES = [
    b'{"a":1,"http":{"bytes":7,"path":"/x"},"s":"t"}',
    b'{"http":{"path":"/y"},"extra":[1,2,{"a":5}]}',
    b'{"a":null,"http":null}',
    b'{"http":{"bytes":9007199254740993,"path":null,"deep":{"er":{"est":[1]}}},"a":2}',
    b"{}",
]
FIELDS: Any = {
    "a": ("a", int),
    "size": ("http.bytes", int),
    "path": "http.path",
    "deepest": ("http.deep.er.est", list[int]),
}


def rows(data: bytes, fields: Any = FIELDS, **options: Any) -> list[Any]:
    return list(logs.read(io.BytesIO(data), fields=fields, **options))


def test_rows_hold_what_the_paths_lead_to_in_the_whole_line() -> None:
    def at(value: Any, path: str) -> Any:
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    paths = ["a", "http.bytes", "http.path", "http.deep.er.est"]
    expected = [tuple(at(orjson.loads(line), path) for path in paths) for line in LINES]
    assert [tuple(row) for row in rows(b"\n".join(LINES))] == expected
    assert [attrgetter("a", "size", "path", "deepest")(row) for row in rows(b"\n".join(LINES))] == expected


def test_a_value_of_another_type_makes_its_line_a_bad_one() -> None:
    errors: list[Any] = []
    data = b'{"a":"1"}\n{"a":1}\n{"http":{"bytes":1.5}}\n{"http":[]}\n[1]\n{"a":true}\n'
    assert [row.a for row in rows(data, on_error=errors.append)] == [1]
    assert [(error.line, error.reason) for error in errors] == [(n, "rejected") for n in (1, 3, 4, 5, 6)]
    assert "$.a" in str(errors[0])


def test_a_line_that_is_no_json_is_a_bad_one() -> None:
    with pytest.raises(DecodeError) as caught:
        rows(b"{\n")
    assert caught.value.reason == "invalid_json"


def test_two_columns_may_show_one_field() -> None:
    [row] = rows(b'{"a":1}', {"x": ("a", int), "y": ("a", int)})
    assert (row.x, row.y) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, ValueError),
        ({"a": ""}, ValueError),
        ({"a": "b."}, ValueError),
        ({"a": ".b"}, ValueError),
        ({"a": "b..c"}, ValueError),
        ({"a b": "c"}, ValueError),
        ({"_a": "c"}, ValueError),
        ({"a": "x", "b": "x.y"}, ValueError),
        ({"b": "x.y", "a": "x"}, ValueError),
        ({"a": ("x", int), "b": ("x", str)}, ValueError),
        ({"a": 1}, TypeError),
        ({"a": ("x",)}, TypeError),
        ({"a": ("x", "int")}, TypeError),
        ({"a": ("x", None)}, TypeError),
        ({"a": ("x", [int])}, TypeError),
        ({1: "x"}, TypeError),
        (["a"], TypeError),
        ("a", TypeError),
    ],
)
def test_fields_that_make_no_sense_are_refused(fields: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"fields|path|column"):
        rows(b"{}", fields)


def test_without_msgspec_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(ModuleNotFoundError, match=r"ndstream\[fields\]"):
        rows(b"{}")


def test_a_row_has_its_columns_alone() -> None:
    [row] = logs.read(io.BytesIO(b'{"b":1}\n'), fields={"a": "a"})
    assert (row.a, list(row)) == (None, [None])
    with pytest.raises(AttributeError, match="no column 'b'"):
        _ = row.b
