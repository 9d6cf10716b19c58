"""Serving streams: frames are written, and what comes from one server is sent on to the clients of another.

    from starlette.responses import StreamingResponse

    relay = await ndstream.relay(response).aopen()
    return StreamingResponse(relay, headers=relay.headers)

`relay` takes what `ndstream.stream` takes, and is the body of a response in any framework. `Broadcast` sends one stream
to many clients, and `EventSource` reconnects to one.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from ndstream._core import SSEEncoder, encode_comment, encode_jsonseq, encode_ndjson, encode_sse
from ndstream._errors import EncodeError
from ndstream.serving._broadcast import AsyncSubscription, Broadcast, BroadcastFullError, Subscription
from ndstream.serving._encoded_values import AsyncEncodedValues, EncodedValues, encode_values
from ndstream.serving._event_source import EventSource
from ndstream.serving._headers import HEADERS
from ndstream.serving._relay import AsyncRelay, BrokenTransferError, Relay, RelayGroup, relay
from ndstream.serving._targets.ag_ui import AGUITarget
from ndstream.serving._targets.anthropic import AnthropicTarget
from ndstream.serving._targets.ollama_chat import OllamaChatTarget
from ndstream.serving._targets.openai_chat import OpenAIChatTarget
from ndstream.serving._targets.outcome import Failure, Refusal, Summary
from ndstream.serving._targets.parts import CallPart, Part
from ndstream.serving._targets.registry import TARGETS
from ndstream.serving._targets.target import Target
from ndstream.serving._targets.text import TextTarget
from ndstream.serving._targets.ui import UITarget
from ndstream.serving._upstream_error import UpstreamError

if _TYPE_CHECKING:
    from ndstream.serving._page import Message as Message
    from ndstream.serving._page import chat_application as chat_application

__all__ = [
    "HEADERS",
    "TARGETS",
    "AGUITarget",
    "AnthropicTarget",
    "AsyncEncodedValues",
    "AsyncRelay",
    "AsyncSubscription",
    "Broadcast",
    "BroadcastFullError",
    "BrokenTransferError",
    "CallPart",
    "EncodeError",
    "EncodedValues",
    "EventSource",
    "Failure",
    "OllamaChatTarget",
    "OpenAIChatTarget",
    "Part",
    "Refusal",
    "Relay",
    "RelayGroup",
    "SSEEncoder",
    "Subscription",
    "Summary",
    "Target",
    "TextTarget",
    "UITarget",
    "UpstreamError",
    "encode_comment",
    "encode_jsonseq",
    "encode_ndjson",
    "encode_sse",
    "encode_values",
    "relay",
]


def __getattr__(name: str) -> object:
    # The page needs Starlette, which the extra ``serve`` brings.
    if name in ("Message", "chat_application"):
        from importlib import import_module

        return getattr(import_module("ndstream.serving._page"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
