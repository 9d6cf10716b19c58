"""What the page about replies shows runs, prints what it says, and needs public names alone."""

from __future__ import annotations

import pathlib
import re

import pytest

from llm.example import DONE, sse
from llm.examples import chat_frame
from ndstream import llm

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "llm.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def call_frame(**function: str) -> object:
    return chat_frame({"tool_calls": [{"index": 0, "function": function}]})


TEXTS = sse(*(chat_frame({"content": text}) for text in ('{"city": "Ro', 'me", "days": 12}')), chat_frame({}, "stop"))
CALLS = sse(
    call_frame(name="weather", arguments='{"city": "Ro'), call_frame(arguments='me"}'), chat_frame({}, "tool_calls")
)
PRINTS = [
    (TEXTS, '{"city": "Rome", "days": 12}'),
    (CALLS, "weather {'city': 'Ro'}\nweather {'city': 'Rome'}\n"),
    (TEXTS, "{'city': 'Ro'}\n{'city': 'Rome', 'days': 12}\n"),
]


def test_each_block_is_looked_at() -> None:
    assert len(BLOCKS) == len(PRINTS)


@pytest.mark.parametrize("number", range(len(PRINTS)))
def test_a_block_runs_and_prints_what_it_says(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    frames, printed = PRINTS[number]
    exec(BLOCKS[number], {"llm": llm, "response": b"".join([*frames, DONE])})
    assert capsys.readouterr().out == printed
    for line in printed.splitlines()[:2] if number else []:
        assert line in PAGE


def test_the_names_on_the_page_are_public() -> None:
    for name in ("PartialJSON", "PartialJSONError", "Tail"):
        assert name in llm.__all__
        assert f"`{name}`" in PAGE or f"llm.{name}" in PAGE
    assert all(hasattr(llm, name) for name in llm.__all__)


def test_every_wire_is_on_the_page() -> None:
    for name in llm.WIRES:
        assert f"`{name}`" in PAGE
