"""The stored bytes of an archive as decompressors take them: in steps, with what they did not use given back."""

from __future__ import annotations

from ndstream.logs._files.stored_bytes import Stored

# Each read and each call of a decompressor releases the GIL, which a thread that reads ahead gets back late: measured,
# with half of this it takes 8 % longer to read gzip, and with twice as much no less.
BLOCK_SIZE = 512 * 1024


class ArchiveInput:
    """What follows in a file.

    Args:
        stored: The file.
        block: What was read of it already, and is to come first.
    """

    def __init__(self, stored: Stored, block: bytes = b"") -> None:
        self._stored = stored
        # What is at hand: block[index:].
        self._block = block
        self._index = 0

    @property
    def at_hand(self) -> int:
        """How many bytes can be taken without a read."""
        return len(self._block) - self._index

    @property
    def consumed(self) -> int:
        """How many stored bytes were taken, from the start of the file."""
        return self._stored.offset - self.at_hand

    def peek(self, size: int) -> bytes:
        """The next bytes, so many unless the file ends before."""
        while self.at_hand < size and (more := self._stored.read(BLOCK_SIZE)):
            self._block = self._block[self._index :] + more
            self._index = 0
        return self._block[self._index : self._index + size]

    def take(self, size: int) -> bytes:
        """At least one byte and at most so many; b"" at the end of the file."""
        if not self.at_hand:
            self._block, self._index = self._stored.read(BLOCK_SIZE), 0
        begin = self._index
        self._index = min(begin + size, len(self._block))
        return self._block if self._index - begin == len(self._block) else self._block[begin : self._index]

    def give_back(self, unused: bytes) -> None:
        """Put what a decompressor did not use before what follows."""
        if len(unused) <= self._index:
            self._index -= len(unused)
        else:
            self._block, self._index = unused + self._block[self._index :], 0

    def consume(self, size: int) -> int:
        """Pass over so many bytes; how many there were."""
        left = size
        while left and (data := self.take(left)):
            left -= len(data)
        return size - left

    def consume_zeros(self) -> None:
        """Pass over zeros, up to the next byte that is none."""
        while data := self.take(BLOCK_SIZE):
            if rest := data.lstrip(b"\x00"):
                self.give_back(rest)
                return
