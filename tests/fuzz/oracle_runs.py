"""How many executions were compared with an oracle, which takes longer than what it checks."""

from __future__ import annotations

count = 0


def note_oracle_run() -> None:
    global count
    count += 1
