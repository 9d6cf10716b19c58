"""Mocks of `unittest.mock` as sources: read by a method that the test has configured, and never silently empty.

A `MagicMock` has every method, and iterates over nothing.
"""

from __future__ import annotations

import sys
from typing import Any

from ndstream._sources.opened_source import (
    OpenedAsyncSource,
    OpenedSource,
    OpenedSyncSource,
    any_closer,
    call_with_size,
    closer,
    read_until_empty,
)

_ITERATORS = ("iter_bytes", "aiter_bytes", "iter_content", "iter_any", "aiter_content")
_READS = ("read1", "read")


def is_mock(source: object) -> bool:
    """Whether it is a mock of the standard library, which is not imported for it."""
    mock = sys.modules.get("unittest.mock")
    return mock is not None and isinstance(source, mock.NonCallableMock)


def open_mock(mock: Any) -> OpenedSource:
    """Open a mock by the first method that was given a return value or a side effect.

    Raises:
        TypeError: There is none.
    """
    headers = None if is_mock(headers := getattr(mock, "headers", None)) else headers
    for name in _ITERATORS:
        method: Any = getattr(mock, name, None)
        if _is_configured(method):
            chunks = call_with_size(method) if name.endswith("content") else method()
            if _gives(chunks, "__aiter__"):
                return OpenedAsyncSource(chunks.__aiter__(), any_closer(mock), headers)
            return OpenedSyncSource(iter(chunks), closer(mock), headers)
    for name in _READS:
        method = getattr(mock, name, None)
        if _is_configured(method):
            return OpenedSyncSource(read_until_empty(method), closer(mock), headers)
    if _gives(mock, "__aiter__"):
        return OpenedAsyncSource(mock.__aiter__(), any_closer(mock), headers)
    if _gives(mock, "__iter__"):
        return OpenedSyncSource(iter(mock), closer(mock), headers)
    raise TypeError(
        f"this {type(mock).__name__} has no bytes: give one of its methods a return value, such as "
        "mock.iter_bytes.return_value = [b'...'], or pass an iterable of bytes instead of a mock"
    )


def _is_configured(method: Any) -> bool:
    if not is_mock(method):
        return callable(method)
    given = method.return_value
    return (
        method.side_effect is not None or not is_mock(given) or _gives(given, "__iter__") or _gives(given, "__aiter__")
    )


def _gives(iterable: Any, name: str) -> bool:
    """Whether it has such an iteration; a mock, only if that was given something to return."""
    method = getattr(iterable, name, None)
    return callable(method) and not (is_mock(method) and is_mock(method.return_value))
