"""Fuzzing that is guided by coverage: what each target does with bytes, and what runs it under libFuzzer."""
