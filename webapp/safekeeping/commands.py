"""The commands `move-to-postgres`, `backup` and `restore`, as an administrator sees them."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from datetime import datetime
from functools import partial

import psycopg

from webapp import config
from webapp.safekeeping import Refused, backup, move, restore

say = partial(print, flush=True)


def do(options: argparse.Namespace, settings: config.Config, now: datetime) -> int:
    """Do one of the three; the exit code: 0 done, 1 refused, with a line that says why and what to do."""
    try:
        if options.command == "move-to-postgres":
            move.move(settings, config.database(options.url), say)
        elif options.command == "backup":
            backup.backup(settings, options.folder.absolute(), now, say)
        else:
            restore.restore(settings, options.folder.absolute(), options.replace, now, say)
    except (Refused, config.ConfigError) as error:
        print(f"secondring: {error}", file=sys.stderr)
        return 1
    except (psycopg.Error, sqlite3.Error) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        print(f"secondring: the database says: {said[0]}. What was done so far is kept; try again", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"secondring: {error.filename or ''}: {error.strerror}", file=sys.stderr)
        return 1
    return 0
