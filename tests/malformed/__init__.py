"""A service flooded with malformed requests: `python -m tests.malformed`."""
