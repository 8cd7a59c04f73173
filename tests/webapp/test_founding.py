"""An office from nothing, by the command that an administrator uses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def desk(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SECONDRING_")}
    return subprocess.run(
        [sys.executable, "-m", "webapp.cli", *words],
        cwd=ROOT,
        env=environ | {"SECONDRING_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_empty_office_has_one_administrator_and_is_founded_once(tmp_path: Path) -> None:
    first = desk(tmp_path, "found", "Northwind", "--language", "ru")
    login, password = first.stdout.split()
    assert (first.returncode, login) == (0, "admin") and len(password) > 10
    again = desk(tmp_path, "found", "Southwind")
    assert (again.returncode, again.stdout) == (1, "") and "already" in again.stderr
    assert desk(tmp_path, "migrate").returncode == 0
    users = desk(tmp_path, "users")
    assert users.stdout.split()[:2] == ["admin", "admin"] and len(users.stdout.splitlines()) == 1


def test_nonsense_founds_nothing(tmp_path: Path) -> None:
    for name in ("", " ", "x" * 200, "a\nb"):
        assert desk(tmp_path, "found", name).returncode == 2
    assert desk(tmp_path, "found", "Northwind", "--language", "xx").returncode == 2
    assert not (tmp_path / "secondring.sqlite").exists()
