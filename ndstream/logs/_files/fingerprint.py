"""What tells one file's content from another's: its first bytes, and those just before an offset.

Names and inodes do not: both are given to other files. The bytes before an offset tell a file that was cut and
written again from one that grew, whatever its head; the head tells apart files of equal lines.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

HEAD_SIZE = 1024
ANCHOR_SIZE = 256


class Fingerprint(NamedTuple):
    """Digests of parts of a file's content.

    Attributes:
        head_size: How many bytes at the beginning are in `head`.
        head: Their digest.
        anchor_size: How many bytes before the offset are in `anchor`.
        anchor: Their digest.
    """

    head_size: int = 0
    head: str = ""
    anchor_size: int = 0
    anchor: str = ""


def fingerprint(head: bytes, anchor: bytes) -> Fingerprint:
    """The fingerprint of these two parts."""
    return Fingerprint(len(head), digest(head), len(anchor), digest(anchor))


def digest(content: bytes) -> str:
    """A digest that no two contents share; "" for no bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest() if content else ""


class ContentTracker:
    """Keeps of a content what its fingerprint needs, while it passes in chunks.

    Args:
        head: The first bytes of the content, at least `HEAD_SIZE` unless the content before `offset` is shorter.
        offset: Where the first chunk begins.
        anchor: The bytes before that, at most `ANCHOR_SIZE`.

    Attributes:
        head: The first bytes of the content so far, at most `HEAD_SIZE`.
    """

    def __init__(self, head: bytes = b"", offset: int = 0, anchor: bytes = b"") -> None:
        self.head = head[:HEAD_SIZE]
        self._chunk = b""
        self._chunk_offset = offset
        self._before_chunk = anchor
        self._kept_offset = offset
        self._kept_anchor = anchor

    def add(self, chunk: bytes) -> None:
        """Take the next chunk."""
        self._before_chunk = (self._before_chunk + self._chunk[-ANCHOR_SIZE:])[-ANCHOR_SIZE:]
        self._chunk_offset += len(self._chunk)
        self._chunk = chunk
        if len(self.head) < HEAD_SIZE and len(self.head) == self._chunk_offset:
            self.head += chunk[: HEAD_SIZE - len(self.head)]

    def keep(self, offset: int) -> None:
        """Be ready for an offset, which is in the last chunk or the one kept before, whatever chunks follow."""
        self._kept_anchor, self._kept_offset = self._anchor(offset), offset

    def fingerprint(self, offset: int, start: int = 0) -> Fingerprint:
        """The fingerprint at an offset.

        Args:
            offset: In the last chunk, or the one kept.
            start: What precedes it is left out of the anchor: nobody can read it without the rest of an archive.
        """
        size = min(ANCHOR_SIZE, offset - start)
        return fingerprint(self.head[:offset], self._anchor(offset)[-size:] if size > 0 else b"")

    def _anchor(self, offset: int) -> bytes:
        if offset == self._kept_offset:
            return self._kept_anchor
        index = offset - self._chunk_offset
        if index >= ANCHOR_SIZE:
            return self._chunk[index - ANCHOR_SIZE : index]
        return (self._before_chunk + self._chunk[:index])[-ANCHOR_SIZE:]
