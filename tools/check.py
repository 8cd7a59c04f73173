"""`./desk test`: linters, type checks, catalogues, then the tests; says loudly what was left out, and why.

On a build machine (CI=true) a missing real client is a failure; elsewhere its tests are skipped and named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
CLIENTS = {
    "sipp": "sip-tester",
    "baresip": "baresip",
    "chromium": "chromium",
    "pg_ctl": "postgresql",
    "sox": "sox",
    "linphonec": "linphone-cli",
    "kamailio": "kamailio kamailio-extra-modules kamailio-tls-modules",
    "rtpengine": "rtpengine-daemon",
    "systemd-analyze": "systemd",
}
"""Real programs the tests use, and Debian's packages that bring them."""


def where(program: str) -> str | None:
    """The program's path; PostgreSQL keeps its own out of PATH."""
    if program == "pg_ctl":
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
        return str(found[-1]) if found else shutil.which("pg_ctl")
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


def missing() -> dict[str, str]:
    """Absent programs with the packages that would bring them."""
    return {program: package for program, package in CLIENTS.items() if where(program) is None}


def main(arguments: Sequence[str] = ()) -> int:
    """Run everything, or with arguments only pytest with them. Returns the exit code."""
    absent = missing()
    if absent and os.environ.get("CI"):
        print(f"missing on a build machine: {', '.join(absent)}; install {' '.join(absent.values())}")
        return 1
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    python = sys.executable
    if not arguments:
        for command in (
            [python, "-m", "ruff", "check", "."],
            [python, "-m", "ruff", "format", "--check", "."],
            [python, "-m", "mypy"],
            [python, "tools/words.py", "--check"],
            [python, "tools/vendor.py", "--check"],
        ):
            print("$", " ".join(["python", *command[1:]]), flush=True)
            if subprocess.call(command, cwd=ROOT, env=environment):
                return 1
        arguments = ["-n", "2", "--dist", "loadfile", "-q"]
    code = subprocess.call([python, "-m", "pytest", *arguments], cwd=ROOT, env=environment)
    if absent:
        print("\nLEFT OUT, because these programs are not installed: " + ", ".join(absent))
        print(f"To run those tests too: apt-get install {' '.join(absent.values())}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
