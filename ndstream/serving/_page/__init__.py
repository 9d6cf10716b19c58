"""A page to chat with: an ASGI application, and the files that it serves to the browser."""

from ndstream.serving._page.application import chat_application
from ndstream.serving._page.messages import Message

__all__ = ["Message", "chat_application"]
