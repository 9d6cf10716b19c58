"""One line as a container runtime writes it: an envelope, and the text or a part of it."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

import orjson

Container = Literal["docker", "cri"]


class Envelope(NamedTuple):
    """What a runtime adds to a line.

    Attributes:
        time: When the line, or its first part, was written, as the runtime spells it (RFC 3339).
        stream: "stdout" or "stderr".
    """

    time: str
    stream: str


class Part(NamedTuple):
    """A line, or a part of one.

    Attributes:
        envelope: Its envelope.
        text: What the program wrote.
        is_last: Whether the line ends with it.
    """

    envelope: Envelope
    text: bytes
    is_last: bool


FORMS = {
    "docker": '{"log": "...", "stream": "stdout", "time": "..."}',
    "cri": "time, stream, P or F, text, with a space between",
}


def docker_part(line: bytes) -> Part | None:
    """A line of Docker's json-file driver; a message is whole if its text ends in a line feed."""
    try:
        fields = orjson.loads(line)
        text = fields["log"].encode()
    except orjson.JSONDecodeError:
        # The daemon cuts bytes, so that a part may hold half a character.
        try:
            fields = json.loads(line.decode("utf-8", "surrogateescape"))
            text = fields["log"].encode("utf-8", "surrogateescape")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
    except (TypeError, KeyError, AttributeError, UnicodeEncodeError):
        return None
    envelope = Envelope(str(fields.get("time", "")), str(fields.get("stream", "")))
    return Part(envelope, text.removesuffix(b"\n"), text.endswith(b"\n"))


def cri_part(line: bytes) -> Part | None:
    """A line in the format of the Kubernetes container runtime interface: time, stream, tags, text."""
    time, _, rest = line.partition(b" ")
    stream, _, rest = rest.partition(b" ")
    tags, _, text = rest.partition(b" ")
    # More tags may follow the first, after a colon.
    tag = tags.partition(b":")[0]
    if tag not in (b"P", b"F") or stream not in (b"stdout", b"stderr") or not time[:1].isdigit():
        return None
    return Part(Envelope(time.decode("ascii", "replace"), stream.decode()), text, tag == b"F")
