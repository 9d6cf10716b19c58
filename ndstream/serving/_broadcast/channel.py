"""The middle of a broadcast: events go into one ring, and subscriptions read from it at their own pace.

Every change and every look is made under one lock, so that a subscription begins between two events: it gets each
event from there on once and in order. Publishing wakes those who wait and does nothing for each of the others.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Awaitable, Hashable
from typing import Any, Literal, Protocol, TypeAlias

from ndstream.serving._broadcast.event_ids import event_id, new_epoch
from ndstream.serving._broadcast.loop_group import LoopGroup
from ndstream.serving._broadcast.ring import Ring
from ndstream.serving._broadcast.waiting import Waiting
from ndstream.serving._converters.framings import error_frame
from ndstream.serving._targets.outcome import Failure

Slow: TypeAlias = Literal["block", "drop", "disconnect"]


class BroadcastFullError(Exception):
    """There is no room for the event, since a subscription with ``slow="block"`` has not read the oldest ones yet."""


class EventTooLargeError(ValueError):
    """The event is larger than all that may be held.

    Attributes:
        size: How many bytes it has.
        limit: The limit in force, in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the event has {size} bytes, and max_bytes is {limit}: make max_bytes larger")
        self.size = size
        self.limit = limit


class Reader(Protocol):
    """What the channel knows of a subscription: the number of the event that it reads next."""

    next: int

    def fall_out(self) -> None:
        """Its next event was dropped, and it is to end for that."""
        ...


class Channel:
    """A ring, those who read from it, and those who wait for room in it.

    Args:
        slow: What happens when a reader's next event would have to be dropped.
        max_events: How many events are held.
        max_bytes: How many bytes these have at most.
        epoch: The epoch of the first run.
    """

    def __init__(self, slow: Slow, max_events: int, max_bytes: int, epoch: str | None) -> None:
        self.slow = slow
        self.ring = Ring(max_events, max_bytes)
        self.epoch = epoch or new_epoch()
        self.lock = threading.RLock()
        # For threads that wait for news or for room.
        self.changed = threading.Condition(self.lock)
        self.ended = False
        self.failure: Failure | None = None
        self.dropped = 0
        self._readers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._groups: list[LoopGroup] = []
        # No reader is before this number: the readers need not be asked again until the ring gets there.
        self._slowest = 0
        # Those that wait for room: tasks by what wakes them, and threads.
        self.blocked: dict[Hashable, Waiting | None] = {}

    @property
    def last_id(self) -> str:
        """The id of the newest event."""
        return event_id(self.epoch, self.ring.next - 1)

    # Those who write.

    def append(self, event: bytes, epoch: str | None = None) -> str:
        """Take an event, which has no id yet, and wake those who wait for it.

        Args:
            event: An event as bytes.
            epoch: The run that it belongs to; None for the one that goes on.

        Returns:
            The id that it got.

        Raises:
            BroadcastFullError: There is no room for it.
            EventTooLargeError: It is larger than the ring may be.
            RuntimeError: The broadcast has ended, or this run of it.
        """
        with self.lock:
            if self.ended or epoch not in (None, self.epoch):
                raise RuntimeError("the broadcast has ended, and takes no more events")
            id = event_id(self.epoch, self.ring.next)
            event = b"id: %b\n%b" % (id.encode(), event)
            if len(event) > self.ring.max_bytes:
                raise EventTooLargeError(len(event), self.ring.max_bytes)
            if self.slow != "drop":
                self._make_room(len(event))
            self.ring.append(event)
        self.wake()
        return id

    def end(self, failure: Failure | None) -> None:
        """No more events come: the stream is complete, or the failure has been told."""
        with self.lock:
            if self.ended:
                return
            self.ended, self.failure = True, failure
        self.wake()
        self.made_room()

    def fail(self, failure: Failure) -> None:
        """Tell a failure as the last event, whether there is room for it or not."""
        with self.lock:
            if not self.ended:
                id = event_id(self.epoch, self.ring.next).encode()
                self.ring.append(b"id: %b\n%b" % (id, error_frame("sse", failure)))
                self.end(failure)

    def restart(self) -> None:
        """Begin another run, whose events have nothing to do with those before."""
        with self.lock:
            self.ring.clear()
            self.epoch = new_epoch()
            self.ended, self.failure = False, None
            self._slowest = 0

    def _make_room(self, size: int) -> None:
        """See to those whose next event an event of so many bytes would drop."""
        first = self.ring.first_after(size)
        if first <= self._slowest:
            return
        slow = self._readers_before(first)
        if slow and self.slow == "block":
            raise BroadcastFullError("a subscription has not read the oldest events yet")
        for reader in slow:
            reader.fall_out()

    def _readers_before(self, number: int) -> list[Reader]:
        readers = list(self._readers)
        self._slowest = min((reader.next for reader in readers), default=self.ring.next)
        return [reader for reader in readers if reader.next < number]

    # Those who read.

    def enter(self, reader: Reader, group: LoopGroup | None) -> None:
        """A reader begins. Its loop's group is woken with the others from now on."""
        with self.lock:
            self._readers.add(reader)
            self._slowest = min(self._slowest, reader.next)
            if group is not None:
                if group not in self._groups:
                    self._groups = [*self._groups, group]
                group.enter()

    def leave(self, reader: Reader, group: LoopGroup | None) -> bool:
        """A reader is gone.

        Returns:
            Whether it was the last.
        """
        with self.lock:
            self._readers.discard(reader)
            if group is not None and group.leave():
                self._groups = [each for each in self._groups if each is not group]
            last = not self._readers
        self.made_room()
        return last

    def cut_off(self) -> int:
        """End all readers where they are. Returns how many there were."""
        with self.lock:
            readers = list(self._readers)
        for reader in readers:
            reader.fall_out()
        self.wake()
        return len(readers)

    def group_of(self, waiting: Waiting, heartbeat: float | None) -> LoopGroup:
        """The group of an event loop."""
        for group in self._groups:
            if group.waiting == waiting:
                return group
        return LoopGroup(waiting, heartbeat)

    def __len__(self) -> int:
        """How many read."""
        return len(self._readers)

    def wake(self) -> None:
        """There is news."""
        for group in self._groups:
            group.wake()
        with self.changed:
            self.changed.notify_all()

    def made_room(self) -> None:
        """A reader went on, or is gone."""
        if self.blocked:
            with self.lock:
                blocked, self.blocked = self.blocked, {}
                self.changed.notify_all()
            for key, waiting in blocked.items():
                if waiting is not None:
                    waiting.wake_one(key)

    def wait_for_room(self, key: Hashable, waiting: Waiting) -> Awaitable[bytes]:
        """Wait until `made_room`. To be called with the lock held, and awaited without."""
        self.blocked[key] = waiting
        return waiting.wait(key)

    def wait_for_room_in_thread(self, key: Hashable) -> None:
        """Wait in a thread until `made_room`, or until there is news. To be called with the lock held."""
        self.blocked[key] = None
        self.changed.wait()
        self.blocked.pop(key, None)
