"""`./desk run` as a supervisor: a process that ends is started again, and so is one that falls silent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from webapp import run

HANGS = """
import sys, time
from pathlib import Path
from service.notify import Supervisor
folder = Path(sys.argv[1])
(folder / str(len(list(folder.iterdir())))).touch()
supervisor = Supervisor()
supervisor.ready()
supervisor.alive()
time.sleep(3600)
"""


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """`look(code, until)`: supervise a program in a folder of its own until something is true."""
    children: list[run.Child] = []

    def look(code: str, until: Callable[[], bool]) -> None:
        child = run.Child("one", [sys.executable, "-c", code, str(tmp_path)])
        children.append(child)
        deadline = time.monotonic() + 20
        while not until():
            assert time.monotonic() < deadline
            child.look_after(time.monotonic())
            time.sleep(0.02)

    yield look
    for child in children:
        child.close()


def test_a_process_that_falls_silent_is_ended_and_started_again(
    tmp_path: Path, look: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "SILENT_TOO_LONG", 0.5)
    look(HANGS, lambda: len(list(tmp_path.iterdir())) == 2)
    assert capfd.readouterr().err == "one gives no sign of life\none ended with code -9; starting it again\n"


def test_a_process_that_never_spoke_may_be_silent(
    tmp_path: Path, look: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SILENT_TOO_LONG", 0.2)
    began = time.monotonic()
    look(HANGS.replace("supervisor.alive()", ""), lambda: time.monotonic() - began > 1.5)
    assert len(list(tmp_path.iterdir())) == 1
