"""Events that go on after a lost connection, over any HTTP client."""

from ndstream.serving._event_source.event_source import EventSource

__all__ = ["EventSource"]
