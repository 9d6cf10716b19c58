"""The headers that keep proxies between a server and its clients from buffering a stream."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HEADERS: Mapping[str, str] = MappingProxyType({"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"})
"""For every streamed response, whatever its framing: caches and compressors leave it alone (RFC 9111, sections 5.2.2.4
and 5.2.2.6), and nginx does not buffer it."""
