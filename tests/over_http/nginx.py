"""nginx between a server and its clients, which is where most streams meet a proxy."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from real_parts.nginx import serving

_DIRECTIVES = """
    access_log off;
    gzip_types application/x-ndjson text/event-stream;
    gzip_min_length 1;
"""
_LOCATIONS = """
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location /buffered/ {{ proxy_pass {upstream}/; proxy_buffering on; }}
        location /unbuffered/ {{ proxy_pass {upstream}/; proxy_buffering off; }}
        location /compressed/ {{ proxy_pass {upstream}/; proxy_buffering off; gzip on; }}
"""


def proxy(upstream: str, folder: Path, http2: bool = False) -> AbstractContextManager[str]:
    """Stand in front of an address, below ``/buffered``, ``/unbuffered`` and ``/compressed``.

    With ``http2`` it speaks HTTP/2 alone, to clients that know it.
    """
    return serving(folder, _DIRECTIVES, _LOCATIONS.format(upstream=upstream), "http2" if http2 else "")
