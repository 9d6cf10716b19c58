"""Mutants: small faults put into the sources, each of which some test has to notice."""
