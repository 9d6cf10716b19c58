"""What a peer is: a decoder that somebody else wrote, and how it is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from stream_framing_conformance import Case, Decode


@dataclass(frozen=True)
class Peer:
    """Somebody else's decoder.

    Attributes:
        name: The distribution, as its registry has it.
        decode: From chunks to what it makes of them.
        chunked: Whether it takes chunks; a reader of whole files is held to whole streams alone.
        concerns: Which cases it can be asked; all if None.
        about: What the reader of the table needs to know of how it was reached.
        version: Its version; that of the installed distribution if None.
    """

    name: str
    decode: Decode
    chunked: bool = True
    concerns: Callable[[Case], bool] | None = None
    about: str = ""
    version: str | None = None

    @property
    def title(self) -> str:
        return f"{self.name} {self.version or metadata.version(self.name.split(' ')[0])}"
