"""What can happen to a followed file, beside new lines."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """What happened to a followed file.

    Attributes:
        kind: One of a few words:
            ``rotated``: the name means another file; the old one was read to its end.
            ``deleted``: the file has no name any more, or its name means none.
            ``truncated``: it was cut and written again; what was not read yet came from its copy.
            ``truncated_without_copy``: the same without a copy: lines written just before are lost, if there were any.
            ``shrank``: its end was removed; nothing of the rest comes again.
            ``replaced``: the name means another file that begins with all that was read; it is gone on with.
            ``nul_bytes``: NULs before the first line were skipped; `size` says how many.
            ``missing``: a rotated file of the checkpoint is gone.
        path: The path that is followed.
        offset: Up to where the file was read, in bytes.
        size: A number of bytes, if one is said above.
    """

    kind: str
    path: str
    offset: int
    size: int = 0
