"""Logs of NDJSON: files and archives, one line after another, with nothing lost and every offset known.

    from ndstream import logs

    with logs.read("app.log.*.gz") as stream:
        for value in stream:
            print(stream.path, stream.line, value)

`read` takes paths, globs and binary files, plain or compressed, and tells the format from the bytes.
"""

from ndstream.logs._containers import Envelope, Record
from ndstream.logs._errors import LogFileError, LogFileTruncatedError
from ndstream.logs._positions import Member, Position
from ndstream.logs._read import read
from ndstream.logs._report import FileReport, Report
from ndstream.logs._stream import LogStream

__all__ = [
    "Envelope",
    "FileReport",
    "LogFileError",
    "LogFileTruncatedError",
    "LogStream",
    "Member",
    "Position",
    "Record",
    "Report",
    "read",
]
