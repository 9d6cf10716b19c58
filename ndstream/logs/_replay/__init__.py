"""Logs once more, at the pace at which they were written: read, put in order of time, and delivered when it is due."""
