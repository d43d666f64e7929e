"""Fuzzing of the parsers: `python -m tests.fuzz`; inputs to begin with in `corpus`."""
