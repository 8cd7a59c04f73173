"""What the desk has told the bridge for the days to come: standing plans and the directory, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog

from sipbridge import directory, standing
from sipbridge.events import Directory, Plan, StandingPlans

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Instructions:
    """Both files lie in `folder`. What can't be kept on disk holds all the same until the bridge ends."""

    def __init__(self, folder: Path) -> None:
        self._standing_path = folder / "standing.json"
        self._directory_path = folder / "directory.json"
        self._standing: StandingPlans | None = _load(standing.load, self._standing_path)
        self.directory: Directory | None = _load(directory.load, self._directory_path)

    @property
    def standing_version(self) -> str:
        """The version of the standing plans, '' without any."""
        return self._standing.version if self._standing is not None else ""

    @property
    def directory_version(self) -> str:
        """The version of the directory, '' without any."""
        return self.directory.version if self.directory is not None else ""

    def plan(self, line: str, at: datetime) -> Plan:
        """What to do with a call on `line` when the desk is silent."""
        return standing.choose(self._standing, line, at)

    def take_standing(self, plans: StandingPlans) -> None:
        """New standing plans."""
        self._standing = plans
        try:
            standing.save(self._standing_path, plans)
        except OSError as error:
            log.error("standing plans can't be kept on disk", why=str(error))

    def take_directory(self, users: Directory) -> None:
        """A new directory."""
        self.directory = users
        try:
            directory.save(self._directory_path, users)
        except OSError as error:
            log.error("the directory can't be kept on disk", why=str(error))


def _load(load: Callable[[Path], T | None], path: Path) -> T | None:
    try:
        return load(path)
    except (ValueError, OSError) as error:  # WireError, PlanError and DirectoryError are ValueErrors
        log.error("what the desk had sent can't be used; waiting for the desk", file=path.name, why=str(error))
        return None
