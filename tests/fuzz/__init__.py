"""Fuzzing that is guided by coverage: what each target does with bytes, and the program that runs it under atheris."""
