"""A key-value service over HTTP; its data live in Tarantool."""
