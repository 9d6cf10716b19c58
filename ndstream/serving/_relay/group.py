"""`RelayGroup`: all relays of a server, so that they can be ended in their own words when it shuts down."""

from __future__ import annotations

import weakref
from typing import Any

from ndstream._sources.event_loops import move_on_after, sleep
from ndstream.serving._relay.async_relay import AsyncRelay
from ndstream.serving._relay.facade import To, relay
from ndstream.serving._relay.sync_relay import Relay
from ndstream.serving._seconds import check_grace
from ndstream.serving._targets.outcome import Failure
from ndstream.serving._targets.target import Target

_POLL_SECONDS = 0.02


class RelayGroup:
    """Makes relays, and ends those that are open.

    A server's own shutdown either waits for streams without end or cuts them off, which clients take for their end.
    Call `aclose` when the server begins to stop: in its lifespan if it runs that while streams are open, or where the
    signal arrives.

    Args:
        options: Options of `relay` for all relays of the group.

    Example:
        >>> import ndstream
        >>> group = ndstream.RelayGroup(heartbeat=10)
        >>> list(group.relay([b'{"a":1}\\n'], to="sse"))
        [b'data: {"a":1}\\n\\n']
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._relays: weakref.WeakSet[Relay | AsyncRelay] = weakref.WeakSet()
        self._failure: Failure | None = None

    def __len__(self) -> int:
        """How many relays are open."""
        return sum(1 for each in list(self._relays) if not each.closed)

    def relay(self, source: Any, to: To | Target | None = None, **options: Any) -> Any:
        """What `ndstream.relay` makes, as a part of this group. After `aclose` it ends at once."""
        made: Any = relay(source, to, **{**self._options, **options})
        self._relays.add(made)
        if self._failure is not None:
            made.end_with(self._failure)
        return made

    async def aclose(self, grace: float = 5.0, message: str = "the server is shutting down") -> int:
        """End all relays with an error frame in the words of their format.

        Args:
            grace: How many seconds to wait for clients to take it. After that the upstreams are released all the same.
            message: What the clients are told.

        Returns:
            How many relays had to be cut off.

        Raises:
            TypeError: `grace` is no number.
            ValueError: `grace` is negative, or NaN.
        """
        check_grace(grace)
        self._failure = Failure(message, "shutdown")
        for each in list(self._relays):
            each.end_with(self._failure)
        with move_on_after(grace):
            while len(self):
                await sleep(_POLL_SECONDS)
        left = [each for each in list(self._relays) if not each.closed]
        for relay_left in left:
            if isinstance(relay_left, AsyncRelay):
                await relay_left.aclose()
            else:
                relay_left.close()
        return len(left)
