"""The type of replies to clients whose responses are of one class, sync or async."""

from __future__ import annotations

from ndstream import llm
from ndstream.llm._either_reply import EitherReply


def public(*kinds: type) -> set[str]:
    return {name for kind in kinds for name in dir(kind) if not name.startswith("_")}


def test_it_has_what_both_kinds_of_reply_have() -> None:
    assert public(EitherReply) == public(llm.Reply, llm.AsyncReply)
