"""Which format bytes are in, detected from their first bytes and never from a name.

No JSON text can begin with the magic bytes of a compression format, so plain lines are never taken for one.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Compression: TypeAlias = Literal["gzip", "zstd", "bz2", "xz", "lz4"]
Format: TypeAlias = Literal["plain", "gzip", "zstd", "bz2", "xz", "lz4"]

HEAD_SIZE = 18
"""How many bytes the header of a member needs at most, as far as it is looked at here: that of a zstd frame."""

_MAGIC: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
}
_SKIPPABLE_END = b"\x2a\x4d\x18"
_SKIPPABLE_HEAD_SIZE = 8

_CONTAINERS: dict[bytes, str] = {
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"SQLite format 3\x00": "an SQLite database",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"LZIP\x01": "an lzip archive",
    b"\x1f\x9d": "an archive of compress (.Z)",
    b"\xff\x06\x00\x00sNaPpY": "a Snappy archive",
    b"\xff\xfe": "text in UTF-16 or UTF-32, which has to be encoded as UTF-8",
    b"\xfe\xff": "text in UTF-16, which has to be encoded as UTF-8",
}
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257


def compression_of(head: bytes) -> Compression | None:
    """The format of a member that begins with these bytes; None if no member begins so.

    Example:
        >>> compression_of(b"BZh91AY&SY")
        'bz2'
    """
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def may_become_member(head: bytes) -> bool:
    """Whether these bytes are part of some format's magic bytes, so that more of them are needed to tell.

    Example:
        >>> may_become_member(b"BZ"), may_become_member(b"BZh"), may_become_member(b"{}")
        (True, False, False)
    """
    if any(len(head) < len(magic) and magic.startswith(head) for magic in _MAGIC):
        return True
    return len(head) < 4 and head[:1] in _SKIPPABLE_FIRST and _SKIPPABLE_END.startswith(head[1:])


_SKIPPABLE_FIRST = tuple(bytes([0x50 + low]) for low in range(16))


def skippable_size(head: bytes) -> int | None:
    """The size in bytes of a skippable frame that begins so, its header included; None if it is none.

    zstd and lz4 share these frames (RFC 8878, section 3.1.2). They hold no content: an index, a signature.
    A header that is cut counts as the frame.

    Example:
        >>> skippable_size(bytes.fromhex("5e2a4d18") + (4).to_bytes(4, "little"))
        12
    """
    if head[:1] in _SKIPPABLE_FIRST and head[1:4] == _SKIPPABLE_END:
        return _SKIPPABLE_HEAD_SIZE + int.from_bytes(head[4:8], "little")
    return None


def container_of(content: bytes) -> str | None:
    """What content is that is not lines, in words; None if it may be lines.

    Example:
        >>> container_of(b"PK\\x03\\x04rest")
        'a zip archive'
    """
    if compression := compression_of(content):
        return f"compressed a second time, with {compression}"
    if content[_TAR_MAGIC_AT : _TAR_MAGIC_AT + len(_TAR_MAGIC)] == _TAR_MAGIC:
        return "a tar archive"
    return next((words for magic, words in _CONTAINERS.items() if content.startswith(magic)), None)
