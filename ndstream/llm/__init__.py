"""Replies of LLM servers: every delta, the whole answer, and how it ended.

    from ndstream import llm

    reply = llm.reply(response)
    for delta in reply:
        print(delta.text, end="", flush=True)
    print(reply.body, reply.ending.verdict)

`reply` takes what `ndstream.stream` takes, and finds out by itself which server speaks.
"""

from ndstream.llm._answer import Answer
from ndstream.llm._async_reply import AsyncReply
from ndstream.llm._delta import Delta
from ndstream.llm._ending import Ending, Evidence
from ndstream.llm._errors import ReplyError, ReplyServerError, ReplyTruncatedError, WireOptionError
from ndstream.llm._facade import collect, reply
from ndstream.llm._finish_reason import FinishReason
from ndstream.llm._metrics import Metrics, Times
from ndstream.llm._partial_json.error import PartialJSONError
from ndstream.llm._partial_json.partial_json import PartialJSON, Tail
from ndstream.llm._reply import Reply
from ndstream.llm._server_error import ServerError
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._transfer_progress import Layer, Progress
from ndstream.llm._wires.registry import WIRES

__all__ = [
    "WIRES",
    "Answer",
    "AsyncReply",
    "Delta",
    "Ending",
    "Evidence",
    "FinishReason",
    "Layer",
    "Metrics",
    "PartialJSON",
    "PartialJSONError",
    "Progress",
    "Reply",
    "ReplyError",
    "ReplyServerError",
    "ReplyTruncatedError",
    "ServerError",
    "Tail",
    "Times",
    "Tokens",
    "ToolCall",
    "WireOptionError",
    "collect",
    "reply",
]
