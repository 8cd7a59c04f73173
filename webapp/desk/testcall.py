"""The button "Test call": a real SIP call to this office's line, placed by a separate program, a few at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients.models import Client, ContactPoint, MatchKey

KINDS = (
    ("known", _l("Known client")),
    ("unknown", _l("Unknown number")),
    ("hidden", _l("Hidden number")),
    ("shared", _l("Shared number")),
)
"""Who calls: key and label."""

MOST_AT_ONCE = 3
SECONDS = 20
FICTION = "+447700900{:03}"
"""Numbers that a regulator keeps free for films and books; nobody is ever rung."""

_running: list[subprocess.Popen[bytes]] = []
_lock = threading.Lock()


def caller_of(session: Session, kind: str, user: User) -> tuple[str, str] | None:
    """Number and name of a caller of this kind from the database; None when the database has none such.

    A client of `user` comes first, then one of nobody, so that the call rings the one who asked for it.
    """
    if kind == "hidden":
        return "", ""
    if kind == "unknown":
        for last in range(1000):
            number = FICTION.format(last)
            if not session.scalar(select(ContactPoint.id).where(ContactPoint.normal == number).limit(1)):
                return number, ""
        return None
    # Numbers of exactly one client, or of several, by the very keys a call is matched with.
    owners = (
        select(MatchKey.key)
        .where(MatchKey.kind == "phone", MatchKey.whole != "")
        .group_by(MatchKey.key)
        .having(
            func.count(MatchKey.client_id.distinct()) == 1
            if kind == "known"
            else func.count(MatchKey.client_id.distinct()) > 1
        )
    )
    row = session.execute(
        select(MatchKey.whole, Client.name)
        .join(Client, Client.id == MatchKey.client_id)
        .where(MatchKey.kind == "phone", MatchKey.whole != "", MatchKey.key.in_(owners))
        .order_by(case((Client.owner_id == user.id, 0), (Client.owner_id.is_(None), 1), else_=2), func.random())
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def start(line: str, sip: tuple[str, int], language: str, number: str, name: str) -> bool:
    """Start the calling program, which speaks `language`; False when MOST_AT_ONCE are under way. It ends by itself."""
    host = f"[{sip[0]}]" if ":" in sip[0] else sip[0]
    command = [sys.executable, "-m", "sipbridge.testcall", "--to", f"sip:{line}@{host}:{sip[1]}"]
    command += [f"--from={number}", f"--name={name}"] if number else ["--hidden"]  # a name may begin with a dash
    command += ["--seconds", str(SECONDS), "--language", language]
    with _lock:
        _running[:] = [process for process in _running if process.poll() is None]
        if len(_running) >= MOST_AT_ONCE:
            return False
        _running.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=dict(os.environ),
            )
        )
    return True
