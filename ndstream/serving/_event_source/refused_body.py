"""How much is read of an answer that is no stream."""

from ndstream.serving._upstream_error import MAX_BODY as MAX_BODY

REFUSAL_SECONDS = 1.0
"""For how long, at most."""
