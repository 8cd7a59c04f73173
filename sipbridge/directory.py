"""The directory: whose softphones may register at the bridge. Fetched from the desk, kept on disk."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sipbridge.events import Directory, WireError, from_wire, to_wire
from sipbridge.kept import write_json

MOST_USERS = 10_000
LONGEST_NAME = 64

_MD5 = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REALM = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?")


class DirectoryError(ValueError):
    """A directory that can't be used; the text says why, and never holds a secret."""


def check_directory(directory: Directory) -> Directory:
    """`directory` when every user of it could register. Raises DirectoryError."""
    if not _REALM.fullmatch(directory.realm):
        raise DirectoryError("the realm should be 1 to 64 letters, digits, spaces, dots or dashes")
    if len(directory.users) > MOST_USERS:
        raise DirectoryError(f"a directory has at most {MOST_USERS} users")
    for number, (name, secret) in enumerate(directory.users.items(), start=1):
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
            raise DirectoryError(f"user {number}: the name should be 1 to {LONGEST_NAME} printable characters")
        if not _MD5.fullmatch(secret.md5) or not _SHA256.fullmatch(secret.sha256):
            raise DirectoryError(f"user {number}: the secrets should be 32 and 64 hexadecimal digits in lower case")
    return directory


def load(path: Path) -> Directory | None:
    """The directory kept at `path`, None when there is none yet. Raises WireError, DirectoryError, OSError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return check_directory(from_wire(Directory, json.loads(text)))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"the directory is not JSON: {error}") from None


def save(path: Path, directory: Directory) -> None:
    """Keep `directory` at `path`, readable by its owner only. Raises OSError."""
    write_json(path, to_wire(directory))
