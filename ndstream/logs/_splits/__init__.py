"""Pieces of log files that any process can read."""
