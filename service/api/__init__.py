"""The HTTP contract: the route table, a handler per route, parsing and schemas."""
