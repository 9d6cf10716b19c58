"""An error in the place of chunks or values, to be raised where those would have been taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def raising(error: Exception) -> Iterator[Any]:
    """An iterator that raises once."""
    raise error
    yield
