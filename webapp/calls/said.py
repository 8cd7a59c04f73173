"""What callers of a line hear, as the bridge's plan names it: the file names of sounds, and the menu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import Choice, Menu, Step
from webapp.accounts.models import User
from webapp.office.models import Line, Office

HOLD_MUSIC = "hold.wav"


def language(office: Office, line: Line | None) -> str:
    """The language of the line's sounds and script."""
    return (line.language if line else "") or office.language


def greeting(office: Office, line: Line | None) -> str:
    """The line's own greeting, else the office's."""
    return (line.greeting if line else "") or f"greeting.{language(office, line)}.wav"


def notice(office: Office, line: Line | None) -> str:
    """What both hear before the recording; '' on lines that record unannounced, or not at all."""
    announced = line is not None and line.record and line.record_notice
    return f"notice.{language(office, line)}.wav" if announced else ""


def apology(office: Office, line: Line | None) -> str:
    """The last words, which invite to leave a message where one can be left."""
    kind = "message" if line is not None and line.message_seconds else "apology"
    return f"{kind}.{language(office, line)}.wav"


def menu(session: Session, office: Office, line: Line | None) -> Menu | None:
    """The line's menu; None without its sound or without choices. A digit rings its people together.

    One whose people have no telephone leads to the apology, as one without people does.
    """
    choices = line.menu.get("choices") or [] if line else []
    sound = str(line.menu.get("sound") or "") if line else ""
    if line is None or not choices or not sound:
        return None
    ids = {user_id for choice in choices for user_id in choice.get("user_ids", ())}
    known = session.execute(select(User.id, User.extension).where(User.id.in_(ids), User.active)) if ids else ()
    extensions: dict[int, str] = {user_id: extension for user_id, extension in known if extension}
    seconds = line.step_seconds or office.step_seconds
    return Menu(sound, tuple(_choice(choice, extensions, seconds) for choice in choices))


def _choice(choice: Mapping[str, Any], extensions: Mapping[int, str], seconds: float) -> Choice:
    rung = tuple(extensions[user_id] for user_id in choice.get("user_ids", ()) if user_id in extensions)
    return Choice(str(choice["digit"]), (Step(rung, seconds),) if rung else ())
