"""Server-sent events as JSON objects with their fields, for lines and elements, which have no fields of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ndstream._core import Decoder, Event, SSEDecoder, encode_jsonseq, encode_ndjson
from ndstream._framing import Format
from ndstream.serving._converters.reframed import Reframed, on_one_line


class EventFields(Reframed):
    """Gives each event as one object: ``event``, ``id`` and ``retry`` if it has them, and its ``data``.

    The data has to be JSON, and stays as it came; text beside JSON could not be told from a string of JSON.
    """

    def _make_decoder(self, upstream: Format) -> Decoder[Any]:
        return SSEDecoder(**self._ends)

    def _read(self, decoder: Decoder[Any]) -> Iterator[bytes]:
        encode = encode_jsonseq if self.format == "jsonseq" else encode_ndjson
        for event in decoder:
            if event.payload.strip():
                yield encode(_object(event), escape_unicode_newlines=self._escape)


def _object(event: Event) -> bytes:
    """An event as JSON.

    Raises:
        DecodeError: Its data is not one JSON value.
    """
    event.json()
    fields: dict[str, Any] = {"event": event.event}
    if event.id:
        fields["id"] = event.id
    if event.retry is not None:
        fields["retry"] = event.retry
    return orjson.dumps(fields)[:-1] + b',"data":' + on_one_line(event.payload) + b"}"
