"""One upstream, or events that are published here, for many clients."""

from ndstream.serving._broadcast.async_subscription import AsyncSubscription
from ndstream.serving._broadcast.broadcast import Broadcast
from ndstream.serving._broadcast.channel import BroadcastFullError
from ndstream.serving._broadcast.sync_subscription import Subscription

__all__ = ["AsyncSubscription", "Broadcast", "BroadcastFullError", "Subscription"]
