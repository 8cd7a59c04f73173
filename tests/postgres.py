"""A throwaway PostgreSQL of Debian's: a cluster in a folder of its own, reached by a socket in that folder alone."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from tests.e2e.installation import wait_for

SERVERS = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """The folder of the newest server's programs, None when there is no server."""
    found = sorted(SERVERS.glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A running server. As root it runs as Debian's user `postgres`: the server refuses to be root."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # A socket's path may have 107 letters, too few for the folders of tests.
        self._folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._as = []
        self._numbers = itertools.count(1)
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres")
            self._as = ["runuser", "-u", "postgres", "--"]
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        self.start()

    def start(self) -> None:
        """Start the server, at first or after it was killed: what it wrote is safe from that, not from a power cut."""
        options = f"-F -k {self._folder} -c listen_addresses=''"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def kill(self) -> None:
        """kill -9, with all its processes."""
        first = int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        for pid in (first, *_children(first)):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not Path(f"/proc/{first}").exists() and not _children(first), told="the server to be gone")

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*self._as, str(self._programs / program), *words],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout

    def database(self, name: str = "", like: str = "template1") -> str:
        """A new database, a copy of another that nobody uses; its DATABASE_URL."""
        name = name or f"database_{next(self._numbers)}"
        self._run("createdb", "-h", str(self._folder), "-U", "postgres", "-T", like, name)
        # Killed before its first checkpoint, a copy gives numbers out again that were written down with the original.
        self._run("psql", "-h", str(self._folder), "-U", "postgres", "-c", "checkpoint", name)
        return f"postgresql+psycopg://postgres@/{name}?host={quote(str(self._folder), safe='')}"

    def close(self) -> None:
        """Stop the server and remove everything."""
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)


def _children(pid: int) -> list[int]:
    """The processes that this one began."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found
