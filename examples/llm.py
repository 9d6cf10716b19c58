"""Replies of LLM servers, from recorded bytes: deltas, the whole answer, tool calls, and how each ended."""

from ndstream import llm

CHAT = [
    b'data: {"id":"c1","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":',
    b'{"role":"assistant","content":"Hel"},"finish_reason":null}]}\n\ndata: {"id":"c1","choices":[{"index":0,',
    b'"delta":{"content":"lo"},"finish_reason":"stop"}],"usage":{"completion_tokens":2}}\n\ndata: [DONE]\n\n',
]
OLLAMA = [
    b'{"model":"m","created_at":"t","message":{"role":"assistant","content":"","tool_calls":[{"function":',
    b'{"name":"weather","arguments":{"city":"Rome"}}}]},"done":false}\n{"model":"m","created_at":"t","message":',
    b'{"role":"assistant","content":""},"done":true,"eval_count":20,"eval_duration":500000000}\n',
]

print("Deltas as they come, and the answer that they add up to:")
with llm.reply(CHAT) as reply:
    for delta in reply:
        print("  ", delta)
print("  ", reply.body)
print("  ", reply.ending)

print("Tool calls, and what the server measured:")
answer = llm.collect(OLLAMA)
for call in answer.tool_calls:
    print("  ", call.name, call.arguments)
print("  ", answer.metrics.tokens_per_second, "tokens a second")

print("A stream that was cut, and one that the server gave up:")
for rest in (b"", b'data: {"error":{"message":"try later","code":503}}\n\n'):
    try:
        llm.collect([*CHAT[:2], b'"delta":{}}]}\n\n' + rest])
    except llm.ReplyError as error:
        print("  ", type(error).__name__, error, "| so far:", error.reply.text)
