"""The events that a broadcast keeps for those who come later."""

from __future__ import annotations

import random

import pytest

from ndstream.serving._broadcast.ring import Ring


@pytest.mark.parametrize(("max_events", "max_bytes"), [(3, 1000), (1000, 10), (4, 12), (1, 1)])
def test_what_is_left_once_an_event_of_a_size_comes_is_known_before(max_events: int, max_bytes: int) -> None:
    ring = Ring(max_events, max_bytes)
    chance = random.Random(2)
    for _ in range(200):
        event = b"x" * chance.randrange(1, 8)
        expected = ring.first_after(len(event))
        ring.append(event)
        assert ring.first == expected
