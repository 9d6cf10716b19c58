"""All Python on the pages runs: here, or in the tests of its page. What a comment says of a result holds."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import ndstream
import real_parts
from doubles.loopback import response, serving

ROOT = Path(__file__).resolve().parents[2]
TESTED_BY = {
    "docs/chat-page.md": "tests/serving/page/test_example.py",
    "docs/following-logs.md": "tests/logs/test_following_page.py",
    "docs/llm.md": "tests/llm/test_page.py",
    "docs/logs.md": "tests/logs/test_logs_page.py",
    "docs/migrating.md": "tests/project/test_migrating.py",
    "docs/reconnecting.md": "tests/serving/event_source/test_reconnecting_page.py",
    "docs/serving-frameworks.md": "tests/serving/test_framework_examples.py",
    "docs/targets.md": "tests/serving/targets/test_page.py",
    "docs/testing-your-code.md": "tests/project/test_testing_your_code.py",
}
"""Pages whose code needs a world of its own, and the tests that give it one."""
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/conformance/**/*.md")]
EVENTS = b'data: {"text":"Hi"}\n\ndata: [DONE]\n\n'
CHAT = [
    b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n'
]


def blocks(page: Path) -> list[str]:
    found = re.findall(r"^( *)```python\n(.*?)^ *```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


HERE = {
    f"{page.relative_to(ROOT)}-{number}": block
    for page in sorted(PAGES)
    if page.relative_to(ROOT).as_posix() not in TESTED_BY
    for number, block in enumerate(blocks(page))
}


def test_no_page_has_code_that_no_test_knows_of() -> None:
    for page, test in TESTED_BY.items():
        assert blocks(ROOT / page)
        assert f'"{Path(page).name}"' in (ROOT / test).read_text()
    fenced = sum(page.read_text().count("```py") for page in PAGES)
    assert fenced == len(HERE) + sum(len(blocks(ROOT / page)) for page in TESTED_BY)
    assert len(HERE) > 15


async def connect() -> AsyncIterator[bytes]:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'data: {"text":"Hi"}\n\n'

    return chunks()


def my_generator() -> Iterator[dict[str, str]]:
    yield {"text": "Hi"}


def names(url: str, block: str) -> dict[str, Any]:
    """What the pages speak of, and a reader has: a client, a response, an application."""
    import fastapi
    import fastapi.responses
    import httpx

    body = CHAT if "llm" in block else [b"1 2"] if "concatenated" in block else [EVENTS.partition(b"data: [")[0]]
    return {
        "Path": Path,
        "StreamingResponse": fastapi.responses.StreamingResponse,
        "app": fastapi.FastAPI(),
        "asyncio": asyncio,
        "connect": connect,
        "httpx": httpx,
        "last_event_id": "7",
        "my_generator": my_generator,
        "ndstream": ndstream,
        "pytest": pytest,
        "request": {"stream": True},
        "response": body,
        "url": url,
    }


async def run(block: str, given: dict[str, Any]) -> None:
    if "stream.__anext__" in block:
        given["stream"] = ndstream.stream(await connect(), format="sse")
    code = compile(block, "<page>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, given)
    if inspect.iscoroutine(result):
        await result


async def asked(app: Any, path: str) -> bytes:
    import httpx

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
        got = await client.get(path)
        assert got.status_code == 200
        return got.content


@pytest.mark.parametrize("block", HERE.values(), ids=HERE)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_block_runs_and_does_what_its_comments_say(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in ("fastapi", "httpx", *re.findall(r"^import (\w+)", block, re.MULTILINE)):
        real_parts.library(library)
    (tmp_path / "app.log").write_bytes(b'{"n": 1}\n{"n": 2}\n')
    (tmp_path / "export.json").write_bytes(b'[{"a":1}, {"a":2}]')
    monkeypatch.chdir(tmp_path)
    with serving(response(EVENTS, kind="text/event-stream")) as server:
        block = re.sub(r"https://(example\.org|\.\.\.)/[\w/]*", server.url, block)
        given = names(server.url, block)

        async def main() -> None:
            await run(block, given)
            for path in re.findall(r'@app\.get\("(.*?)"\)', block):
                assert b'data: {"text":"Hi"}\n\n' in await asked(given["app"], path)

        asyncio.run(main())
    said = re.findall(r"^(ndstream\.\w+\(.*\))  # (b'.*')$", block, re.MULTILINE)
    for expression, value in said:
        assert eval(expression, given) == ast.literal_eval(value)
    for name, test in list(given.items()):
        if name.startswith("test_"):
            test()
    printed = capsys.readouterr().out
    for comment in re.findall(r"print\(.*\)  # (.*)$", block, re.MULTILINE):
        for part in re.split(", (?:then )?(?:and )?", comment):
            assert part in printed
