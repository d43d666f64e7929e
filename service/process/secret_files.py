"""Files of secrets: generated at the first start, read at each later one.

``python -m service.process.secret_files FOLDER`` creates those of a compose project,
with the values of the environment where they are set.
"""

import os
import secrets
import sys
from pathlib import Path

JWT_SECRET = "jwt_secret"  # noqa: S105 - a file's name
TARANTOOL_PASSWORD = "tarantool_password"  # noqa: S105 - a file's name
REPLICATION_PASSWORD = "replication_password"  # noqa: S105 - a file's name

#: What the nodes of a cluster read.
OF_TARANTOOL = (TARANTOOL_PASSWORD, REPLICATION_PASSWORD)


def read_or_create(path: Path, *, mode: int = 0o600) -> str:
    """Returns the secret in this file; generates it when there is no file yet.

    :raises OSError: the file can be neither read nor created
    """
    if not path.exists():
        store(path, secrets.token_urlsafe(48), mode=mode)
    return path.read_text().strip()


def store(path: Path, secret: str, *, mode: int) -> None:
    """Writes the file atomically: it appears whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)  # left by a start that was killed
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def main(folder: Path) -> None:
    # 444, because the containers that read them run as other users; only these
    # containers mount the volume.
    for name in (JWT_SECRET, *OF_TARANTOOL):
        path = folder / name
        given = os.environ.get(f"KV_{name.upper()}")
        if given:
            store(path, given, mode=0o444)
        else:
            read_or_create(path, mode=0o444)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
