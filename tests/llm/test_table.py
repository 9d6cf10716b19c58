"""The table of what each wire gives has no hole that is not the wire's own."""

from __future__ import annotations

from llm.table import table
from ndstream import llm

# What the servers have nothing to say about on these wires.
NONE_OF_IT = {
    ("ollama-progress", "text"), ("ollama-progress", "thinking"), ("ollama-progress", "tools"),
    ("ollama-progress", "usage"), ("ollama-progress", "metrics"),
    ("tgi", "thinking"),
    ("workers-ai", "thinking"), ("tgi", "tools"),
    ("llama-cpp", "thinking"), ("llama-cpp", "tools"),
}  # fmt: skip


def test_every_wire_gives_all_that_its_servers_have() -> None:
    rows = table()
    assert list(rows) == list(llm.WIRES)
    for wire, cells in rows.items():
        for name, cell in cells.items():
            if name != "examples":
                assert cell == ("-" if (wire, name) in NONE_OF_IT else "yes"), (wire, name)
