"""The HTTP API: a file for each promise that it makes to clients."""
