"""A function a route: parse, one storage call, reply."""
