"""A disk of its own for one folder of one process: a small tmpfs in a mount namespace, so that it can be full."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import pytest

_ENTER = ("unshare", "--user", "--map-root-user", "--mount")


@functools.cache
def _possible() -> bool:
    try:
        return subprocess.run([*_ENTER, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    except OSError:
        return False


def needed() -> None:
    """Leave the test out where a user may not mount in a namespace of his own."""
    if not _possible():
        pytest.skip("LEFT OUT: no small disks here (unprivileged user namespaces are off)")


def on_small_disk(folder: Path, kilobytes: int, *command: str, first: str = "true") -> list[str]:
    """`command`, to be run with a disk of so many kB at `folder`; `first` is a shell line run there before."""
    script = f'mount -t tmpfs -o size={kilobytes}k,mode=700 none "{folder}" && {first} && exec "$@"'
    return [*_ENTER, "sh", "-c", script, "sh", *command]


class SmallDisk:
    """The disk at `folder` as the process `pid` sees it."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.folder = Path(f"/proc/{pid}/root{folder}")
        self._filler = self.folder / "filler"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def make_room(self) -> None:
        """Somebody tidied up."""
        self._filler.unlink()
