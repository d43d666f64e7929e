"""The client of Tarantool: the only package that calls it. Knows no HTTP."""
