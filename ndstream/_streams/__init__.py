"""Streams: a source and a decoder make an iterator of values, sync or async as the source is."""

from ndstream._streams.async_stream import AsyncStream as AsyncStream
from ndstream._streams.sync_stream import Stream as Stream
