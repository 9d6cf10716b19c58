"""What is wrong with a time stamp, and the limits of a stamp."""

from __future__ import annotations

MIN_TIME = -(1 << 63)
MAX_TIME = (1 << 63) - 1
"""The times that fit into 64 bits of nanoseconds: from September 1677 to April 2262."""


class StampError(ValueError):
    """A line has no time stamp that can be used."""


def checked(time: int, shown: object) -> int:
    """The time, in nanoseconds since 1970, unless it is out of range.

    Raises:
        StampError: It is. The zero value of many programs, in the year 1, is such a time.
    """
    if not MIN_TIME <= time <= MAX_TIME:
        raise StampError(f"the time stamp {shown!r:.80} is out of range, which is from 1677-09-21 to 2262-04-11")
    return time
