"""Logs that are being written: each name, the files that it meant, and when each is looked at."""
