"""Places in a file in both of its forms: as it is stored, and as its content reads.

For a plain file the two are the same. All numbers are bytes from the start of the file.
"""

from __future__ import annotations

from typing import NamedTuple


class Member(NamedTuple):
    """Where a member (gzip), frame (zstd, lz4) or stream (bz2, xz) begins: decompression can begin there.

    Attributes:
        offset: Where its content begins, in bytes of content.
        compressed_offset: Where it begins, in bytes as stored.
    """

    offset: int = 0
    compressed_offset: int = 0


class Position(NamedTuple):
    """A byte of content, and what it takes to get there again.

    Attributes:
        offset: How many bytes of content precede it.
        compressed_offset: How many bytes as stored had been read when it came out; for a plain file
            the same as `offset`.
        member: The member that holds it; of a plain file, its beginning.
    """

    offset: int = 0
    compressed_offset: int = 0
    member: Member = Member()


START = Position()
