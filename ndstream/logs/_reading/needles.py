"""Needles that are looked for in one file after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Needles = bytes | str | Iterable[bytes | str] | None


def kept_needles(contains: Needles) -> Needles:
    """The same needles, to be gone through more than once: each file has a decoder of its own, which is told them.

    Example:
        >>> kept_needles(iter(["a", "b"])), kept_needles("a")
        (('a', 'b'), 'a')
    """
    return tuple(contains) if isinstance(contains, Iterator) else contains
