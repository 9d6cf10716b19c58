"""What holds for all tests."""

from __future__ import annotations

import signal

from llm.engine import engine

__all__ = ["engine"]

# A shell starts what it runs in the background with Ctrl-C ignored, and the commands under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
