"""deploy/systemd: the units are sound and strict, and what they start behaves as they say."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.installation import ROOT, Installation
from tests.e2e.phones import missing

UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
WORST_EXPOSURE = 20
"""Of 100; systemd shows a tenth of it, and calls less than 2 fine."""
INTERPRETER = "/opt/secondring/.venv/bin/python"
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The shipped units, for a program that is installed here."""
    if absent := missing(("systemd-analyze",)):
        pytest.skip(f"LEFT OUT: {', '.join(absent)} not installed")
    shutil.copytree(UNITS, tmp_path / "units")
    for path in (tmp_path / "units").glob("*.service"):
        path.write_text(path.read_text().replace(INTERPRETER, sys.executable).replace("/opt/secondring", str(ROOT)))
    return tmp_path / "units"


def analyze(units: Path, *words: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", *words],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:", "SYSTEMD_LOG_LEVEL": "info"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout + done.stderr


def instance(name: str) -> str:
    return name.replace("@.", "@b.")


def test_systemd_understands_every_line(units: Path) -> None:
    names = [*map(instance, SERVICES), "secondring.target", "backup-secondring.timer"]
    said = analyze(units, "verify", *(str(units / name) for name in names))
    assert str(units) not in said and "Unknown" not in said, said


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_gives_away_little(units: Path, name: str) -> None:
    analyze(units, "security", "--offline=true", f"--threshold={WORST_EXPOSURE}", "--no-pager", instance(name))


@pytest.mark.parametrize("name", ["web", "worker", "bridge"])
def test_what_a_unit_starts_says_that_it_is_ready_lives_and_ends(tmp_path: Path, name: str) -> None:
    text = (UNITS / f"secondring-{name}.service").read_text()
    for path in (UNITS / f"secondring-{name}.service", UNITS / "secondring-bridge@.service"):
        assert all(
            line.split("=", 1)[1].startswith(INTERPRETER) for line in path.read_text().splitlines() if "Exec" in line
        )
    commands = re.findall(rf"^ExecStart(?:Pre)?={INTERPRETER} -m (.*)$", text, re.M)
    office = Installation(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(20)
        environ = office.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        for before in commands[:-1]:
            subprocess.run(
                [sys.executable, "-m", *before.split()], cwd=ROOT, env=environ, check=True, timeout=60,
                preexec_fn=refuse_writable_code,
            )  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", *commands[-1].split()], cwd=ROOT, env=environ, preexec_fn=refuse_writable_code
        )
        try:
            assert "READY=1" in supervisor.recv(4096).decode()
            while "WATCHDOG=1" not in supervisor.recv(4096).decode():
                pass
            process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in supervisor.recv(4096).decode():
                pass
            assert process.wait(15) in (0, -signal.SIGTERM)  # both are a clean end to systemd
        finally:
            process.kill()
            process.wait(5)


def refuse_writable_code() -> None:
    """MemoryDenyWriteExecute= and NoNewPrivileges= for a child; an older kernel refuses, and nothing is lost."""
    ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0)
