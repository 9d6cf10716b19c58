"""What the tests of replies share."""

from llm.engine import engine

__all__ = ["engine"]
