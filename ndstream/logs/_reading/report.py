"""What was read: counts for each file, and their sums."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class FileReport:
    """What was read of one file.

    Attributes:
        path: The file's path or name; None if it has none.
        format: "plain", "gzip", "zstd", "bz2", "xz" or "lz4", as its first bytes say.
        bytes: How much content was delivered, in bytes.
        compressed_bytes: How much of the file was read, in bytes as stored.
        lines: How many lines were read: blank ones, those not decoded, and a last one that was cut included.
        values: How many values were delivered.
        bad: How many lines were bad, whatever `on_error` did with them.
        error: What ended the file early; None if it was read to its end.
    """

    path: str | None
    format: str = "plain"
    bytes: int = 0
    compressed_bytes: int = 0
    lines: int = 0
    values: int = 0
    bad: int = 0
    error: Exception | None = None


@dataclass
class Report:
    """What was read so far. The sums are made when they are asked for.

    Attributes:
        files: One report for each file that was begun, in order.
        repeated: Paths that were skipped, since they are another name or a compressed copy of a file that is read.
    """

    files: list[FileReport] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """How much content was delivered, in bytes."""
        return sum(file.bytes for file in self.files)

    @property
    def compressed_bytes(self) -> int:
        """How much was read, in bytes as stored."""
        return sum(file.compressed_bytes for file in self.files)

    @property
    def lines(self) -> int:
        """How many lines were read."""
        return sum(file.lines for file in self.files)

    @property
    def values(self) -> int:
        """How many values were delivered."""
        return sum(file.values for file in self.files)

    @property
    def bad(self) -> int:
        """How many lines were bad."""
        return sum(file.bad for file in self.files)
