"""The file `desk` itself, before there is any environment: its help, and one clear line when it can't go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh copy with nothing prepared."""
    for lock in ("requirements.lock", "requirements-dev.lock", "desk"):
        shutil.copy(ROOT / lock, tmp_path)
    (tmp_path / "webapp").mkdir()
    shutil.copy(ROOT / "webapp" / "cli.py", tmp_path / "webapp")
    return tmp_path


def desk(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`./desk` with these words on a machine whose package index does not answer."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
    nowhere = "http://127.0.0.1:9/simple"
    offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": nowhere, "PIP_RETRIES": "1", "PIP_NO_CACHE_DIR": "1"}
    return subprocess.run(
        [sys.executable, "desk", *words],
        cwd=checkout,
        env={**kept, **offline, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("words", [(), ("help",), ("--help",)])
def test_help_needs_nothing_installed(checkout: Path, words: tuple[str, ...]) -> None:
    done = desk(checkout, *words)
    assert done.returncode == 0, done.stderr
    assert "place a real test call" in done.stdout
    assert not (checkout / ".venv").exists()


def test_no_network_is_said_in_one_line(checkout: Path) -> None:
    done = desk(checkout, "run")
    assert done.returncode == 2
    preparing, why = done.stderr.splitlines()
    assert "preparing" in preparing
    assert "Is there a network?" in why
