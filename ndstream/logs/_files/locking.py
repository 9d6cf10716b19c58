"""Files that one process uses at a time. The system lets go of a lock when its process dies, however it dies."""

from __future__ import annotations

import sys

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def lock(descriptor: int) -> None:
        """Lock an open file for this process.

        Raises:
            OSError: Another process, or another file object of this one, has it locked.
        """
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def lock(descriptor: int) -> None:
        """Lock an open file for this process.

        Raises:
            OSError: Another process, or another file object of this one, has it locked.
        """
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
