"""Time stamps in log lines: read to integer nanoseconds, and written again in the form that they had."""
