"""Archives whose content a plain file beside them has: what rotation leaves while it compresses, and shortly after.

Names find candidates: ``app.log.1.gz`` beside ``app.log.1``. Whether one is a copy shows in its content, so that an
archive of something else, or of more, is read. One that is still being written has the beginning of the content.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ndstream.logs._errors import LogFileTruncatedError
from ndstream.logs._files.opened_file import open_file
from ndstream.logs._files.paths import ARCHIVE_SUFFIX, BinaryFile

# The kubelet compresses into a file with .tmp in the place of .gz.
_SUFFIX = re.compile(rf"(?:{ARCHIVE_SUFFIX}|\.tmp)$")


def compressed_copies(sources: Iterable[str | BinaryFile]) -> list[str]:
    """Those of these files that are a compressed copy of another one of them."""
    paths = dict.fromkeys(source for source in sources if isinstance(source, str))
    return [
        path
        for path in paths
        if (original := _SUFFIX.sub("", path)) != path and original in paths and _is_copy(path, original)
    ]


def _is_copy(path: str, original: str) -> bool:
    # To look into a pipe would take from it.
    if not (os.path.isfile(path) and os.path.isfile(original)):
        return False
    try:
        archive = open_file(path, ahead=0)
        try:
            with open(original, "rb") as file:
                # To its end: what the plain file does not have would be lost.
                return all(file.read(len(chunk)) == chunk for chunk in archive.chunks)
        except LogFileTruncatedError:
            # It is still being written.
            return True
        finally:
            archive.close()
    except Exception:
        # Reading it says what is wrong.
        return False
