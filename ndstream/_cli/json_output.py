"""What commands write for machines: one JSON object a line, with names of files that may be any bytes."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any

import click
import orjson


def write_json(values: Mapping[str, Any], *, err: bool = False) -> None:
    """Write an object on one line.

    Args:
        values: What it holds.
        err: Whether it goes to standard error.
    """
    click.echo(orjson.dumps(values), err=err)


def path_fields(path: str) -> dict[str, str]:
    """The path as a JSON string, and if its bytes are not UTF-8, these in "path_base64".

    Example:
        >>> path_fields("app.log"), path_fields(os.fsdecode(b"\\xff"))
        ({'path': 'app.log'}, {'path': '\ufffd', 'path_base64': '/w=='})
    """
    name = os.fsencode(path)
    try:
        return {"path": name.decode()}
    except UnicodeDecodeError:
        return {"path": name.decode("utf-8", "replace"), "path_base64": base64.b64encode(name).decode()}


def path_of(fields: Mapping[str, Any]) -> str:
    """The path in such fields.

    Raises:
        KeyError, TypeError, ValueError: There is none.
    """
    encoded = fields.get("path_base64")
    path = fields["path"] if encoded is None else os.fsdecode(base64.b64decode(encoded, validate=True))
    if not isinstance(path, str):
        raise TypeError("path must be a string")
    return path


def printable(text: str) -> str:
    """The text with what is not UTF-8 replaced, as names of files may have it."""
    return os.fsencode(text).decode("utf-8", "replace")
