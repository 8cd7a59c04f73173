"""Several bridges of one data folder hear the same command to place a call: the first to claim it does it."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timedelta
from pathlib import Path

KEPT = timedelta(hours=1)


class Claims:
    """Empty files in `folder`, one a claim."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, name: str, now: datetime) -> bool:
        """Claim `name`; False when another bridge was first, or the folder can't be written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._folder / name, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError:
            return False
        self._forget(now)
        return True

    def _forget(self, now: datetime) -> None:
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if path.stat().st_mtime < (now - KEPT).timestamp():
                    path.unlink()
