"""The stream over log files, and what is chosen and counted on the way."""
