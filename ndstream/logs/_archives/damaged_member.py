"""What a damaged member holds up to the damage: decompressed a second time, and near the damage in the smallest steps.

The call that meets the damage gives nothing of what it had decompressed until then.
"""

from __future__ import annotations

from contextlib import suppress

from ndstream.logs._archives.archive_input import ArchiveInput
from ndstream.logs._archives.decompressors import Decompressor, decompress, make_decompressor
from ndstream.logs._archives.formats import Compression
from ndstream.logs._archives.member_error import MemberError
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.stored_bytes import Stored

_STEP = 1024


def content_before_damage(
    stored: Stored,
    begin: int,
    compression: Compression,
    head: bytes,
    max_window: int | None,
    delivered: int,
    max_size: int,
) -> bytes:
    """The content between what was delivered and the damage.

    Args:
        stored: The file. Its position afterwards is undefined.
        begin: Where the member begins, in bytes as stored.
        compression: Its format.
        head: Its first bytes.
        max_window: How much memory decompressing may take, in bytes; None for no limit.
        delivered: How much of the member's content came out already, in bytes.
        max_size: How much may be missing, in bytes.
    """
    content, safe = b"", 0
    # The smallest steps are slow: they are taken for the last of it, once the first run has found where that is.
    for step in (_STEP, 1):
        stored.seek(begin)
        decompressor = make_decompressor(compression, head, max_window, exact=True)
        content, safe = _content_in_steps(ArchiveInput(stored), decompressor, step, safe, delivered, max_size)
    return content


def _content_in_steps(
    source: ArchiveInput, decompressor: Decompressor, step: int, safe: int, skip: int, max_size: int
) -> tuple[bytes, int]:
    """What comes after the first ``skip`` bytes of content, and how much input precedes the step that fails.

    Up to ``safe`` bytes of input, steps are of `_STEP`.
    """
    content = bytearray()
    taken = before = 0
    with suppress(MemberError, LogFileError):
        while len(content) < max_size and not decompressor.eof:
            data = b""
            if decompressor.needs_input:
                data = source.take(_STEP if taken < safe else step)
                if not data:
                    break
                before = taken
                taken += len(data)
            piece = decompress(decompressor, data, max_size if taken <= safe else step)
            content += piece[skip:]
            skip -= min(skip, len(piece))
    return bytes(content), before
