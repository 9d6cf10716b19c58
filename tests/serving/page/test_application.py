"""The page's application: who it answers, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import real_parts
from serving.servers import GET

from ..relaying import Response

starlette: Any = real_parts.library("starlette.applications", GET)
testclient: Any = real_parts.library("starlette.testclient", GET)
httpx: Any = real_parts.library("httpx", GET)
from ndstream.serving import RelayGroup, chat_application  # noqa: E402
from ndstream.serving._page.messages import MAX_BODY  # noqa: E402
from ndstream.serving._page.security import SECURITY_HEADERS  # noqa: E402

QUESTION = {"messages": [{"role": "user", "content": "hi"}]}
REPLY = b'{"response":"Hi","done":false}\n{"response":"","done":true,"done_reason":"stop"}\n'


async def ask(messages: Any) -> Any:
    async def chunks() -> Any:
        yield REPLY

    return chunks()


@pytest.fixture
def client() -> Iterator[Any]:
    with testclient.TestClient(chat_application(ask, model="m", server="s"), "http://127.0.0.1") as client:
        yield client


def parts(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(event[6:]) for event in answer.text.split("\n\n") if event.startswith("data: {")]


def test_a_reply_comes_in_the_format_of_the_ai_sdk_with_an_ending_of_our_own(client: Any) -> None:
    answer = client.post("/api/chat", json=QUESTION)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    kinds = [part["type"] for part in parts(answer)]
    assert kinds == [
        "start",
        "start-step",
        "text-start",
        "text-delta",
        "text-end",
        "data-ending",
        "finish-step",
        "finish",
    ]
    assert parts(answer)[5]["data"] == {
        "verdict": "complete", "finishReason": "stop", "inputTokens": None, "outputTokens": None,
    }  # fmt: skip
    assert answer.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/api/state", "/api/chat", "/none"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:80", "[::1]"])
def test_a_host_that_is_not_allowed_is_answered_nothing(host: str, path: str, client: Any) -> None:
    answer = client.request("POST" if path == "/api/chat" else "GET", path, headers={"Host": host}, json=QUESTION)
    assert (answer.status_code, answer.text) == (400, "Invalid host header")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8642", "localhost:1"])
def test_loopback_is_allowed_at_any_port(host: str, client: Any) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_another_site_cannot_ask_for_a_reply(headers: dict[str, str], client: Any) -> None:
    answer = client.post("/api/chat", json=QUESTION, headers=headers)
    assert answer.status_code == 403
    own = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/chat", json=QUESTION, headers=own).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_type_that_forms_can_send_is_refused(kind: str, client: Any) -> None:
    answer = client.post("/api/chat", content=json.dumps(QUESTION), headers={"Content-Type": kind})
    assert answer.status_code == 415
    # And nobody is told that another site may send JSON.
    preflight = client.options("/api/chat", headers={"Origin": "http://evil.example"})
    assert preflight.status_code == 405
    assert not [name for name in preflight.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"messages":[]}',
        b'{"messages":"hi"}',
        b'{"messages":[1]}',
        b'{"messages":[{"role":"user"}]}',
        b'{"messages":[{"role":"user","content":1}]}',
        b'{"messages":[{"role":"system","content":"x"},{"role":"user","content":"x"}]}',
        b'{"messages":[{"role":"assistant","content":"x"}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_conversation_is_refused_with_a_reason(body: bytes, client: Any) -> None:
    answer = client.post("/api/chat", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.text


def test_a_conversation_that_is_too_long_is_refused(client: Any) -> None:
    assert MAX_BODY == 8 * 1024 * 1024
    begin, end = b'{"messages":[{"role":"user","content":"', b'"}]}'
    longest = begin + b"x" * (MAX_BODY - len(begin + end)) + end
    json = {"Content-Type": "application/json"}
    assert client.post("/api/chat", content=longest, headers=json).status_code == 200
    assert client.post("/api/chat", content=longest + b" ", headers=json).status_code == 413


def test_only_role_and_content_reach_the_model() -> None:
    seen = []

    async def noted(messages: Any) -> Any:
        seen.append(messages)
        return await ask(messages)

    turn = {"role": "user", "content": "hi", "images": ["x"], "tool_calls": []}
    with testclient.TestClient(chat_application(noted), "http://localhost") as client:
        client.post("/api/chat", json={"messages": [turn], "model": "other"})
    assert seen == [[{"role": "user", "content": "hi"}]]


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/api/state"])
def test_every_answer_has_the_policy_that_forbids_scripts_of_others(path: str, client: Any) -> None:
    answers = [client.get(path), client.get(path, headers={"Host": "evil.example"}), client.get("/none")]
    answers += [client.post("/api/chat", json=QUESTION), client.post("/api/chat", content=b""), client.put("/")]
    with testclient.TestClient(chat_application(failing(OSError())), "http://localhost") as broken:
        answers.append(broken.post("/api/chat", json=QUESTION))
    assert [answer.status_code for answer in answers] == [200, 400, 404, 200, 415, 405, 502]
    for answer in answers:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_files_of_the_package_that_are_no_part_of_the_page_are_not_served(client: Any) -> None:
    for path in ("/application.py", "/../application.py", "/%2e%2e/application.py", "/page.py", "/page.html"):
        assert client.get(path).status_code == 404


def failing(error: Exception) -> Callable[[Any], Any]:
    async def ask(messages: Any) -> Any:
        raise error

    return ask


def test_a_server_that_cannot_be_reached_is_told_before_the_response_starts(caplog: pytest.LogCaptureFixture) -> None:
    for error, words in (
        (httpx.ConnectError("All connection attempts failed"), "The model's server cannot be reached"),
        (httpx.ConnectTimeout(""), "The model's server cannot be reached"),
        (httpx.ReadError(""), "The connection to the model's server broke (ReadError)"),
    ):
        with testclient.TestClient(chat_application(failing(error)), "http://localhost") as client:
            answer = client.post("/api/chat", json=QUESTION)
        assert answer.status_code == 502
        assert answer.text.startswith(words)
        # Whoever wrote the application finds all of it in the log.
        assert caplog.records[-1].exc_info[1] is error  # type: ignore[index]


def test_a_refusal_is_told_with_its_status_and_without_the_key() -> None:
    refused = Response(b'{"error":{"message":"wait, sk-123"}}', status=429, headers={"Retry-After": "7"})

    async def ask(messages: Any) -> Any:
        return refused

    with testclient.TestClient(chat_application(ask, secret="sk-123"), "http://localhost") as client:
        answer = client.post("/api/chat", json=QUESTION)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.text == "The model's server answered 429: wait, [key]"
    assert refused.closed == 1


def test_the_key_is_cut_out_of_words_that_begin_with_it() -> None:
    async def ask(messages: Any) -> Any:
        return Response(b'{"error":"sk-123 is wrong"}', status=200)

    with testclient.TestClient(chat_application(ask, secret="sk-123"), "http://localhost") as client:
        assert client.post("/api/chat", json=QUESTION).text == "[key] is wrong"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>Welcome</html>", "The model's server answered with something that is no reply"),
        (200, b"", "The model's server ended before its stream was complete"),
        (200, b"hello\n", "The model's server sent a frame that cannot be read"),
        (200, b'{"error":{"message":"no such model"}}', "No such model"),
        (302, b"", "The model's server answered 302"),
        (422, b'{"detail":[{"loc":["body"],"msg":"missing"}]}', "The model's server answered 422: body: missing"),
        (502, b"<html>Bad Gateway</html>", "The model's server answered 502"),
        (500, b"\xff" * 2000, "The model's server answered 500: " + "\ufffd" * 967 + " ..."),
    ],
)
def test_what_is_no_reply_is_an_error_in_few_words(status: int, body: bytes, words: str) -> None:
    async def ask(messages: Any) -> Any:
        return Response(body, status=status)

    with testclient.TestClient(chat_application(ask), "http://localhost") as client:
        answer = client.post("/api/chat", json=QUESTION)
    assert (answer.status_code >= 400, answer.text) == (True, words)


def test_a_refusal_after_the_response_has_started_is_an_error_in_the_stream() -> None:
    refused = Response(0.3, b'{"error":"too late"}', status=503)

    async def ask(messages: Any) -> Any:
        return refused

    group = RelayGroup(first_frame_timeout=0.05)
    with testclient.TestClient(chat_application(ask, group=group), "http://localhost") as client:
        answer = client.post("/api/chat", json=QUESTION)
    assert answer.status_code == 200
    *_, ending, error = parts(answer)
    assert ending["data"] == {"verdict": "error"}
    assert error == {"type": "error", "errorText": "The model's server answered 503: too late"}


def test_what_no_async_client_returned_is_a_type_error() -> None:
    async def ask(messages: Any) -> Any:
        return [REPLY]

    with testclient.TestClient(chat_application(ask), "http://localhost") as client:
        answer = client.post("/api/chat", json=QUESTION)
    assert answer.status_code == 502
    assert "async client" in answer.text


def test_it_can_be_mounted_under_a_path_of_another_application() -> None:
    routing: Any = real_parts.library("starlette.routing", GET)
    outer = starlette.Starlette(routes=[routing.Mount("/chat", chat_application(ask))])
    with testclient.TestClient(outer, "http://localhost") as client:
        page = client.get("/chat")
        assert page.url.path == "/chat/"
        assert 'src="page.js"' in page.text
        assert client.get("/chat/page.js").status_code == 200
        assert client.post("/chat/api/chat", json=QUESTION).status_code == 200
