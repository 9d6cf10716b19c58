"""llama.cpp's own completions: what only some of their frames have."""

from __future__ import annotations

from llm.every_way import read_every_way
from llm.example import sse


def test_what_only_one_frame_says_stays_but_for_the_ids_of_its_tokens() -> None:
    frames = [
        {"content": "Hi", "stop": False, "tokens": [5], "id_slot": 3},
        {"content": " you", "stop": False, "tokens": [6, 7]},
        {"content": "", "stop": True, "tokens": [], "stop_type": "eos"},
    ]
    answer = read_every_way(b"".join(sse(*frames)))
    assert answer.body == {"content": "Hi you", "stop": True, "tokens": [], "id_slot": 3, "stop_type": "eos"}
