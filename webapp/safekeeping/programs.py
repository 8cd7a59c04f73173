"""PostgreSQL's own programs: where they are, and how they are told which database, without showing it to `ps`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from psycopg import pq

from webapp.db import libpq
from webapp.safekeeping import Refused

DEBIANS = Path("/usr/lib/postgresql")


def where(program: str) -> str:
    """The newest there is: one that is older than the server would refuse. Raises Refused."""
    found = sorted(DEBIANS.glob(f"*/bin/{program}"), key=lambda path: int(path.parts[-3]))
    path = str(found[-1]) if found else shutil.which(program)
    if not path:
        raise Refused(f"{program} is missing; on Debian: apt-get install postgresql-client")
    return path


def run(program: str, database_url: str, *words: str) -> str:
    """Run it to its end; what it printed. Raises Refused with its last words."""
    done = subprocess.run(
        [where(program), *words],
        env={**os.environ, **_environment(database_url)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Refused(f"{program} failed: {said[0] if said else done.returncode}")
    return done.stdout


def _environment(database_url: str) -> dict[str, str]:
    """The address as libpq's own variables (PGHOST, PGPASSWORD ...)."""
    names = {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    return {names[key]: str(value) for key, value in libpq(database_url).items() if key in names and value}
