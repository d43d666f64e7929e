"""Secrets that are made once and kept in files.

``python -m service.process.secret_files FOLDER`` makes those of a compose project, with
values from the environment where they are set.
"""

import os
import secrets
import sys
from pathlib import Path

JWT_SECRET = "jwt_secret"  # noqa: S105 - a file's name
TARANTOOL_PASSWORD = "tarantool_password"  # noqa: S105 - a file's name


def kept(path: Path, *, mode: int = 0o600) -> str:
    """The secret in this file, made and stored there when there is none yet.

    :raises OSError: the file can be neither read nor made
    """
    if not path.exists():
        store(path, secrets.token_urlsafe(48), mode=mode)
    return path.read_text().strip()


def store(path: Path, secret: str, *, mode: int) -> None:
    """Appears under its name whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)  # of a start that was killed here
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def main(folder: Path) -> None:
    # The containers that read them run as users of their own, hence 444; nothing but
    # these containers can open the volume.
    for name in (JWT_SECRET, TARANTOOL_PASSWORD):
        path = folder / name
        given = os.environ.get(f"KV_{name.upper()}")
        if given:
            store(path, given, mode=0o444)
        else:
            kept(path, mode=0o444)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
