"""The HTTP contract: a function per route, and what it parses and returns."""
