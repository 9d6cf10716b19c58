"""The way in: from paths to a stream of values."""

from __future__ import annotations

from typing import Any

from ndstream._core import NDJSONDecoder
from ndstream.logs._opened_file import PathOrFile
from ndstream.logs._stream import LogFiles, LogStream, stream_of


def read(*paths: PathOrFile, **options: Any) -> LogStream[Any]:
    """Iterate over the values of log files.

    Args:
        paths: Paths of files.
        options: Those of `ndstream.NDJSONDecoder`.

    Returns:
        A stream with the current path, line and offset, and a report of what was read.

    Raises:
        OSError: A file cannot be opened.

    Example:
        >>> from ndstream import logs
        >>> list(logs.read("app.log"))  # doctest: +SKIP
        [{'level': 'info'}]
    """
    return stream_of(LogFiles(paths, NDJSONDecoder(**options)))
