"""The last events of a broadcast, written once and shared by all subscriptions.

Events are numbered from 1. The ring never holds more than its two limits. What several subscriptions ask for is joined
once.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

MAX_MESSAGE = 64 * 1024
"""How many bytes of events that wait are joined to one message. A single event may be larger."""


class Ring:
    """Events as bytes, the oldest first.

    Args:
        max_events: How many events it holds at most.
        max_bytes: How many bytes these have at most.

    Attributes:
        first: The number of the oldest event that it holds, or of the next one if it holds none.
        next: The number that the next event gets.
        newest: The newest event and its number, to be read as one without a lock; number 0 before the first one.

    Example:
        >>> ring = Ring(2, 100)
        >>> for event in (b"a", b"b", b"c"):
        ...     ring.append(event)
        >>> ring.first, ring.next, ring.after(2)
        (2, 4, (b'bc', 4))
    """

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self.max_events = max_events
        self.max_bytes = max_bytes
        self.first = 1
        self.next = 1
        self.newest: tuple[int, bytes] = (0, b"")
        self._events: deque[bytes] = deque()
        self._bytes = 0
        # The last join: from which number, up to which, and the bytes.
        self._joined: tuple[int, int, bytes] = (0, 0, b"")

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: bytes) -> None:
        """Take an event, and drop the oldest ones that have no room any more."""
        events = self._events
        while events and (len(events) >= self.max_events or self._bytes + len(event) > self.max_bytes):
            self._bytes -= len(events.popleft())
            self.first += 1
        events.append(event)
        self._bytes += len(event)
        self.newest = (self.next, event)
        self.next += 1

    def first_after(self, size: int) -> int:
        """The number of the oldest event that is left once an event of so many bytes is appended."""
        count, left = len(self._events), self._bytes
        for event in self._events:
            if count < self.max_events and left + size <= self.max_bytes:
                break
            count -= 1
            left -= len(event)
        return self.next - count

    def after(self, number: int) -> tuple[bytes, int]:
        """The events from a number on, at most `MAX_MESSAGE` bytes of them or one event.

        Args:
            number: The number of the first; the ring holds it.

        Returns:
            The bytes, and the number of the first event that is not among them.
        """
        if number == self.newest[0]:
            return self.newest[1], self.next
        begin, end, data = self._joined
        if begin == number and (end == self.next or len(data) >= MAX_MESSAGE):
            return data, end
        events: list[bytes] = []
        size = 0
        for event in islice(self._events, number - self.first, None):
            if events and size + len(event) > MAX_MESSAGE:
                break
            events.append(event)
            size += len(event)
        data, end = b"".join(events), number + len(events)
        self._joined = (number, end, data)
        return data, end

    def clear(self) -> None:
        """Start over with number 1."""
        self.__init__(self.max_events, self.max_bytes)  # type: ignore[misc]
