"""Files that one process uses at a time. The system releases a lock when its process dies, however it dies."""

from __future__ import annotations

import os
import sys

_LOCKED_BYTE = 2**31 - 2
"""Where Windows locks. Others can neither read nor write the byte that is locked, so it comes after the content."""

if sys.platform == "win32":
    import msvcrt

    def lock(descriptor: int) -> None:
        """Lock an open file for this process.

        Raises:
            OSError: Another process, or another file object of this one, has it locked.
        """
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)

else:
    import fcntl

    def lock(descriptor: int) -> None:
        """Lock an open file for this process.

        Raises:
            OSError: Another process, or another file object of this one, has it locked.
        """
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
