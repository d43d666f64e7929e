"""A key-value store over HTTP that keeps its data in Tarantool."""

#: The only place of the version: the wheel, `--version` and OpenAPI take it from here.
__version__ = "0.1.0"
