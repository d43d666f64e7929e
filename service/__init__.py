"""A key-value store over HTTP that keeps its data in Tarantool."""
