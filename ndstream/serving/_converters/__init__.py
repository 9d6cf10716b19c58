"""From an upstream's chunks to the bytes for a client: verbatim, in another framing, or in a front end's format."""
