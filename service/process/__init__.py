"""The process tree: sockets, signals, child processes."""
