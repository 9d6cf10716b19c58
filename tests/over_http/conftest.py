"""What all tests of this folder run in."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def quick_collections() -> Iterator[None]:
    """Garbage is collected behind each cell, which is to look at what the cell has made alone."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
