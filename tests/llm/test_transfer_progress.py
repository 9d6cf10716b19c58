"""How far a server is with what it loads."""

from __future__ import annotations

from ndstream.llm._transfer_progress import Progress


def test_a_share_is_known_once_a_size_is() -> None:
    assert (Progress().fraction, Progress("pulling", 60, 150).fraction) == (0.0, 0.4)
