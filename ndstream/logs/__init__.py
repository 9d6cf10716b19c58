"""Logs of NDJSON: files and archives, one line after another, with nothing lost and every offset known.

    from ndstream import logs

    with logs.read("app.log.*.gz") as stream:
        for value in stream:
            print(stream.path, stream.line, value)

`read` takes paths, globs and binary files, plain or compressed, and tells the format from the bytes.
"""

from ndstream.logs._check import CheckReport, check
from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._containers.line_formats import Envelope
from ndstream.logs._containers.unwrapper import Record
from ndstream.logs._dask.collections import LogBag, LogFrame, read_bag, read_dataframe
from ndstream.logs._dead_letters.dead_letters import DeadLetter, DeadLetters
from ndstream.logs._dead_letters.redrive import Redrive, RedriveReport, redrive
from ndstream.logs._errors import CheckpointError, LogFileError, LogFileTruncatedError
from ndstream.logs._files.positions import Member, Position
from ndstream.logs._following.changes import Change
from ndstream.logs._following.follow import FollowStream, follow
from ndstream.logs._reading.read import read
from ndstream.logs._reading.report import FileReport, Report
from ndstream.logs._reading.stream import LogStream
from ndstream.logs._repair import Repair, repair_tail
from ndstream.logs._replay.replay import replay
from ndstream.logs._replay.report import ReplayReport
from ndstream.logs._replay.stamped_record import ReplayedRecord
from ndstream.logs._splits.splits import Split, splits

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
