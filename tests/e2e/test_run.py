"""`./desk run` as a newcomer types it: the demo office, a test call that its desk phones pick up, Ctrl-C, once more."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.installation import ROOT, Installation, wait_for


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Installation]:
    """Nothing but a folder and free ports."""
    newcomer = Installation(tmp_path, LANG="en_US.UTF-8", LC_ALL="")
    yield newcomer
    newcomer.close()


def run(newcomer: Installation, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`./desk` with these words."""
    return subprocess.run(
        [sys.executable, "-m", "webapp.cli", *words],
        cwd=ROOT,
        env={**newcomer.environ, **settings},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def wait_until_ready(newcomer: Installation) -> str:
    """Wait for the web and the bridge; returns what was printed."""
    wait_for(lambda: newcomer.get("/healthz"), 60, newcomer.log("desk"))
    wait_for(newcomer.bridge_is_up, 60, newcomer.log("desk"))
    return (newcomer.folder / "desk.log").read_text()


def interrupt(newcomer: Installation) -> None:
    """Ctrl-C: everything ends within 5 s, leaves its ports, and has nothing to complain of."""
    process = newcomer.processes.pop("desk")
    written = (newcomer.folder / "desk.log").stat().st_size
    children = children_of(process.pid)
    assert len(children) >= 3 + 4, "web, bridge, worker and the desk phones"
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 5
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()], "something was left behind"
    last_words = (newcomer.folder / "desk.log").read_bytes()[written:].decode()
    assert not re.search("error|warning|Traceback", last_words, re.IGNORECASE), last_words
    for port, kind in ((newcomer.web_port, socket.SOCK_STREAM), (newcomer.sip_port, socket.SOCK_DGRAM)):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))


def children_of(pid: int) -> list[int]:
    """The processes `pid` has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def rows(newcomer: Installation, number: str) -> list[dict[str, object]]:
    """Today's rows of a number."""
    report = run(newcomer, "ledger", "--json")
    assert report.returncode == 0, report.stderr
    return [row for row in json.loads(report.stdout)["rows"] if row["number"] == number]


def test_the_first_day_of_a_newcomer(newcomer: Installation, browser: Browser) -> None:
    newcomer.start("desk", "webapp.cli", "run")
    printed = wait_until_ready(newcomer)
    assert newcomer.url in printed
    assert f"sip:desk@{newcomer.sip}" in printed
    passwords = dict(
        re.findall(r"^    ([a-z]+) +([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})  [a-z]+$", printed, re.MULTILINE)
    )
    assert {"helen", "anna", "mark", "vera", "sofia", "denis", "admin"} == set(passwords)
    assert len(set(passwords.values())) == len(passwords)

    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(newcomer.url)
    page.locator("#login").fill("anna")
    page.locator("input[type=password]").fill(passwords["anna"])
    page.keyboard.press("Enter")
    expect(page.locator("#bar")).to_be_visible()
    page.goto(newcomer.url + "/clients")
    expect(page.locator("main")).to_contain_text(re.compile(r"\b(1[5-9]\d|2\d\d)\b"))

    call = run(newcomer, "call", "--from", "+74951234567", "--name", "A new caller", "--seconds", "12")
    assert call.returncode == 0, call.stdout + call.stderr
    row = wait_for(lambda: [row for row in rows(newcomer, "+74951234567") if row["state"] == "talked"])[0]
    assert row["caller_name"] == "A new caller"
    assert row["talk_seconds"]

    interrupt(newcomer)
    context.close()
    (newcomer.folder / "desk.log").unlink()
    newcomer.start("desk", "webapp.cli", "run")
    printed = wait_until_ready(newcomer)
    assert not re.search(r"[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}", printed)
    assert "as you left them" in printed
    assert rows(newcomer, "+74951234567") == [row]
    interrupt(newcomer)


def test_a_busy_port_is_told_in_one_line(newcomer: Installation) -> None:
    for kind, port, setting in (
        (socket.SOCK_STREAM, newcomer.web_port, "SECONDRING_WEB"),
        (socket.SOCK_DGRAM, newcomer.sip_port, "SECONDRING_SIP"),
    ):
        with socket.socket(socket.AF_INET, kind) as busy:
            busy.bind(("127.0.0.1", port))
            if kind == socket.SOCK_STREAM:
                busy.listen()
            said = run(newcomer, "run")
        assert (said.returncode, said.stdout) == (2, "")
        [line] = said.stderr.splitlines()
        assert f"127.0.0.1:{port} is in use" in line
        assert setting in line


def test_a_folder_that_cannot_be_written_is_told_in_one_line(newcomer: Installation, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folders = [tmp_path / "file" / "var", Path("/proc/var")]
    if os.geteuid():
        (tmp_path / "shut").mkdir(0o500)
        folders.append(tmp_path / "shut")
    for folder in folders:
        said = run(newcomer, "run", SECONDRING_DATA=str(folder))
        assert (said.returncode, said.stdout) == (2, ""), said.stderr
        [line] = said.stderr.splitlines()
        assert str(folder) in line
        assert "SECONDRING_DATA" in line


def test_a_setting_that_makes_no_sense_is_refused_by_name(newcomer: Installation) -> None:
    for setting, value in (("SECONDRING_WEB", "nonsense"), ("SECONDRING_TIMEZONE", "Mars/Olympus")):
        said = run(newcomer, "run", **{setting: value})
        assert (said.returncode, said.stdout) == (2, "")
        [line] = said.stderr.splitlines()
        assert setting in line
        assert value in line
