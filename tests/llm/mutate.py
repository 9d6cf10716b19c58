"""Streams changed at random, folded: ``python -m tests.llm.mutate --streams 200000 --seed 1``.

The streams are the recordings beside the project, where they are there, and the examples made by hand. Frames are
dropped, repeated and swapped; values in them are dropped, repeated, swapped, set to null or to a value of another type.
Whatever comes out of that, a reply raises nothing but `ReplyError`, all that it has can be read, and the texts of
its deltas add up to its text unless the server took text back.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from inputs.recordings import RECORDINGS
from llm.examples import EXAMPLES
from ndstream import llm

# More frames of one stream show nothing that these do not.
MAX_FRAMES = 40

VALUES: list[Any] = [
    None, 0, -1, 1, 1.5, 10**30, True, False, "", "x", "null", "None", "0", "{}", "stop",
    [], [None], ["x"], [[]], [{}], {}, {"x": 1}, {"type": "text", "text": "y"}, [{"index": 0}], {"id": "i", "index": 1},
]  # fmt: skip

ATTRIBUTES = (
    "body", "ending", "finish_reason", "metrics", "output_started", "progress", "refusal", "text", "thinking", "tokens",
    "tool_calls", "usage", "wire",
)  # fmt: skip


class Fault(NamedTuple):
    """A stream that was not folded as it must be."""

    stream: str
    what: str
    frames: list[bytes]


class Recorded(NamedTuple):
    """A stream to change."""

    name: str
    frames: list[bytes]


def streams() -> list[Recorded]:
    """All streams that there are to change, cut into frames."""
    made = [Recorded(example.name, example.frames) for example in EXAMPLES]
    files = sorted([*RECORDINGS.glob("*.sse"), *RECORDINGS.glob("*.ndjson")])
    return made + [Recorded(file.name, _frames(file)) for file in files if not file.name.startswith("mcp--")]


def faults(count: int, seed: int) -> Iterator[Fault]:
    """Change and fold `count` streams.

    Args:
        count: How many streams.
        seed: The same seed makes the same streams, from the same recordings.
    """
    chance = random.Random(seed)
    sources = streams()
    for _ in range(count):
        source = chance.choice(sources)
        frames = changed(source.frames, chance)
        what = fault_of(frames, chance)
        if what:
            yield Fault(source.name, what, frames)


def changed(frames: list[bytes], chance: random.Random) -> list[bytes]:
    """Some of the frames, with one to six changes."""
    if len(frames) > MAX_FRAMES:
        head = chance.randrange(MAX_FRAMES)
        frames = frames[:head] + frames[head - MAX_FRAMES :]
    frames = list(frames)
    for _ in range(chance.randint(1, 6)):
        one, other = chance.randrange(len(frames)), chance.randrange(len(frames))
        change = chance.choice(["drop", "repeat", "swap", "value", "value", "value", "value"])
        if change == "repeat":
            frames.insert(other, frames[one])
        elif change == "swap":
            frames[one], frames[other] = frames[other], frames[one]
        elif change == "value":
            frames[one] = _with_changed_value(frames[one], chance)
        elif len(frames) > 1:
            del frames[one]
    return frames


def fault_of(frames: list[bytes], chance: random.Random) -> str:
    """What is wrong with the reply that the frames make; empty if nothing is."""
    data = b"".join(frames)
    cut = chance.randrange(len(data) + 1)
    reply = llm.reply(iter([data[:cut], data[cut:]]))
    deltas = []
    try:
        try:
            for delta in reply:
                deltas.append(delta)
                repr(delta)
        except llm.ReplyError as error:
            str(error)
        for name in ATTRIBUTES:
            repr(getattr(reply, name))
    except Exception as error:
        return f"raised {error!r}"
    first = reply._state.wire.first_choice
    added = "".join(delta.text for delta in deltas if delta.choice == first)
    if added != reply.text and not reply.text_revised:
        return f"the deltas have {added!r}, the reply has {reply.text!r}"
    return ""


def _frames(file: Path) -> list[bytes]:
    data = file.read_bytes()
    if file.suffix == ".ndjson":
        return data.splitlines(keepends=True)
    return re.findall(rb"(?s).+?(?:\r?\n\r?\n|\Z)", data)


def _with_changed_value(frame: bytes, chance: random.Random) -> bytes:
    start = re.search(rb"(?m)^(data: ?)?(?=\{)", frame)
    if start is None:
        return frame
    line = frame[start.end() :].split(b"\n", 1)[0].rstrip()
    try:
        value = json.loads(line)
    except ValueError:
        return frame
    return frame.replace(line, json.dumps(_change(value, chance)).encode())


def _change(value: Any, chance: random.Random) -> Any:
    places = list(_places(value))
    if not places:
        return chance.choice(VALUES)
    holder, key = chance.choice(places)
    other_holder, other_key = chance.choice(places)
    change = chance.choice(["null", "retype", "retype", "drop", "repeat", "swap"])
    if change == "null":
        holder[key] = None
    elif change == "retype":
        holder[key] = copy.deepcopy(chance.choice([*VALUES, [holder[key]], {"x": holder[key]}, str(holder[key])]))
    elif change == "drop":
        del holder[key]
    elif change == "repeat" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        one, two = copy.deepcopy(holder[key]), copy.deepcopy(other_holder[other_key])
        # Of two places of which one is inside the other, only the inner one changes.
        holder[key], other_holder[other_key] = two, one
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def main() -> None:
    """Fold as many streams as asked for; print the faults, and fail if there are any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    for fault in faults(options.streams, options.seed):
        found[fault.stream] += 1
        if found.total() <= 10:
            print(f"{fault.stream}: {fault.what}", *fault.frames, sep="\n  ")
    print(f"{options.streams} streams, seed {options.seed}: {found.total()} faults")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
