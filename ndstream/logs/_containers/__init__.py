"""Logs of container runtimes: the text that a program wrote, out of the envelopes around its parts."""
