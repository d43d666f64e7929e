"""The library for zstd: a part of Python 3.14, before that an optional package."""

import contextlib
import importlib
import sys
from typing import Any

NAME = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"

#: None: it is not installed.
zstd: Any = None
with contextlib.suppress(ImportError):
    zstd = importlib.import_module(NAME)
