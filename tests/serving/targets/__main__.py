"""Prints the table of targets and their official clients: ``python -m tests.serving.targets``."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    from serving.targets.table import main

    main()
