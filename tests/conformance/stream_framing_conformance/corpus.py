"""The cases of the corpus, read from their files. The README describes the format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"


def text_of(parts: Any) -> str:
    """What a string stands for, or a list of strings and repeats."""
    if isinstance(parts, str):
        return parts
    if isinstance(parts, dict):
        return text_of(parts["of"]) * int(parts["repeat"])
    return "".join(map(text_of, parts))


def bytes_of(parts: Any) -> bytes:
    """The bytes that a string stands for, or a list of strings and repeats: one for each character."""
    return text_of(parts).encode("latin-1")


@dataclass(frozen=True)
class Case:
    """One case of the corpus; `feeds` is None if only the stream as a whole matters."""

    file: str
    framing: str
    id: str
    title: str
    rule: str
    source: str | None
    parser: str | None
    data: bytes
    feeds: list[bytes] | None
    by_feed: list[list[dict[str, Any]]]
    end: dict[str, Any]
    finish: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def expected(self) -> list[dict[str, Any]]:
        return [one for outcomes in self.by_feed for one in outcomes]


@cache
def cases() -> tuple[Case, ...]:
    """All cases, in the order of their files."""
    return tuple(case for path in sorted(CASES.glob("*.json")) for case in _cases_of(path))


def standard_cases(framing: str) -> list[Case]:
    """The cases that concern every decoder of a framing, whatever its options.

    Args:
        framing: "sse", "ndjson", "jsonseq" or "concatenated".
    """
    plain: tuple[dict[str, Any], ...] = ({}, {"on_truncated": "discard"})
    return [
        case
        for case in cases()
        if case.framing == framing and case.options in plain and case.finish and case.parser is None
    ]


def _cases_of(path: Path) -> Iterator[Case]:
    book = json.loads(path.read_text("utf-8"))
    for case in book["cases"]:
        options = dict(case.get("options", {}))
        for name in ("contains", "done"):
            if name in options:
                options[name] = bytes_of(options[name])
        feeds = [bytes_of(feed) for feed in case["feeds"]] if "feeds" in case else None
        yield Case(
            file=path.name,
            framing=book["framing"],
            id=case["id"],
            title=case["title"],
            rule=case["rule"],
            source=case.get("source"),
            parser=case.get("parser"),
            data=b"".join(feeds) if feeds is not None else bytes_of(case["bytes"]),
            feeds=feeds,
            by_feed=[*case["expect"], case["after_finish"]] if feeds is not None else [case["expect"]],
            end=case["end"],
            finish=case.get("finish", True),
            options=options,
        )
