"""Other decoders, held to the corpus. Each is a function from chunks to what it makes of them.

They live in an environment of their own: `make conformance` installs them and writes docs/conformance.md.
"""
