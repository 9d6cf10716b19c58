"""Logs of NDJSON: files and archives, one line after another, with nothing lost and every offset known.

    from ndstream import logs

    with logs.read("app.log.*.gz") as stream:
        for value in stream:
            print(stream.path, stream.line, value)

`read` takes paths, globs and binary files, plain or compressed, and detects the format from the bytes.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._containers.line_formats import Envelope
from ndstream.logs._containers.unwrapper import Record
from ndstream.logs._dead_letters.dead_letters import DeadLetter, DeadLetters
from ndstream.logs._errors import CheckpointError, LogFileError, LogFileTruncatedError
from ndstream.logs._files.positions import Member, Position
from ndstream.logs._reading.read import read
from ndstream.logs._reading.report import FileReport, Report
from ndstream.logs._reading.stream import LogStream
from ndstream.logs._splits.splits import Split, splits

if _TYPE_CHECKING:
    from ndstream.logs._check import CheckReport as CheckReport
    from ndstream.logs._check import check as check
    from ndstream.logs._dask.collections import LogBag as LogBag
    from ndstream.logs._dask.collections import LogFrame as LogFrame
    from ndstream.logs._dask.collections import read_bag as read_bag
    from ndstream.logs._dask.collections import read_dataframe as read_dataframe
    from ndstream.logs._dead_letters.redrive import Redrive as Redrive
    from ndstream.logs._dead_letters.redrive import RedriveReport as RedriveReport
    from ndstream.logs._dead_letters.redrive import redrive as redrive
    from ndstream.logs._following.changes import Change as Change
    from ndstream.logs._following.follow import follow as follow
    from ndstream.logs._following.follow_stream import FollowStream as FollowStream
    from ndstream.logs._repair import Repair as Repair
    from ndstream.logs._repair import repair_tail as repair_tail
    from ndstream.logs._replay.replay import replay as replay
    from ndstream.logs._replay.report import ReplayReport as ReplayReport
    from ndstream.logs._replay.stamped_record import ReplayedRecord as ReplayedRecord

__all__ = [
    "Change",
    "CheckReport",
    "Checkpoint",
    "CheckpointError",
    "Cursor",
    "DeadLetter",
    "DeadLetters",
    "Envelope",
    "FileReport",
    "FollowStream",
    "LogBag",
    "LogFileError",
    "LogFileTruncatedError",
    "LogFrame",
    "LogStream",
    "Member",
    "Position",
    "Record",
    "Redrive",
    "RedriveReport",
    "Repair",
    "ReplayReport",
    "ReplayedRecord",
    "Report",
    "Split",
    "check",
    "follow",
    "read",
    "read_bag",
    "read_dataframe",
    "redrive",
    "repair_tail",
    "replay",
    "splits",
]

# What not every program needs. It takes nearly as long to import as the rest.
_LATER = {
    "CheckReport": "_check",
    "check": "_check",
    "LogBag": "_dask.collections",
    "LogFrame": "_dask.collections",
    "read_bag": "_dask.collections",
    "read_dataframe": "_dask.collections",
    "Redrive": "_dead_letters.redrive",
    "RedriveReport": "_dead_letters.redrive",
    "redrive": "_dead_letters.redrive",
    "Change": "_following.changes",
    "FollowStream": "_following.follow_stream",
    "follow": "_following.follow",
    "Repair": "_repair",
    "repair_tail": "_repair",
    "replay": "_replay.replay",
    "ReplayReport": "_replay.report",
    "ReplayedRecord": "_replay.stamped_record",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        from importlib import import_module

        # Found without this function from now on.
        globals()[name] = found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
