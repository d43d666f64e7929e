"""What is measured: the service, a bare aiohttp handler, webdis over Redis, etcd.

A new competitor takes a `Subject` in a module here, and its place in `PEERS`
(`subjects/start.py`), in `OTHERS` (`report/table.py`) and, with the command that prints
its version, in `VERSION_COMMANDS` (`report/conditions.py`).
"""
