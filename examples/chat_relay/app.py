"""The chat page as a part of an application of your own, with a model's server that your code asks.

    pip install "ndstream[serve]" fastapi
    MODEL_URL=http://127.0.0.1:11434/v1/chat/completions MODEL=llama3.2 python examples/chat_relay/app.py

The page is at http://127.0.0.1:8000/chat/ then.
"""

import asyncio
import os

import httpx
import uvicorn
from fastapi import FastAPI

import ndstream
from ndstream.serving import chat_application

URL = os.environ.get("MODEL_URL", "http://127.0.0.1:11434/v1/chat/completions")
MODEL = os.environ.get("MODEL", "llama3.2")
KEY = os.environ.get("MODEL_KEY", "")
RULES = {"role": "system", "content": "You answer in one paragraph."}

client = httpx.AsyncClient(timeout=httpx.Timeout(10, read=600))
relays = ndstream.RelayGroup()


async def ask(messages):
    """Send the conversation to the model's server: the place for rules, tools, accounts and limits of your own."""
    body = {"model": MODEL, "messages": [RULES, *messages], "stream": True, "stream_options": {"include_usage": True}}
    headers = {"Authorization": f"Bearer {KEY}"} if KEY else {}
    return await client.send(client.build_request("POST", URL, json=body, headers=headers), stream=True)


app = FastAPI()
app.mount("/chat", chat_application(ask, group=relays, model=MODEL, secret=KEY))


class Server(uvicorn.Server):
    """Lets replies that are under way end in words of their own before connections are closed."""

    async def shutdown(self, sockets=None):
        ending = asyncio.create_task(relays.aclose(grace=5))
        await super().shutdown(sockets)
        await ending


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8000"))
    Server(uvicorn.Config(app, port=port, timeout_graceful_shutdown=7)).run()
