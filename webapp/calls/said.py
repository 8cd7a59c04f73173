"""What callers of a line hear, as the bridge's plan names it: the file names of sounds, and the menu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sipbridge.events import Choice, Menu, Step
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


def menu(office: Office, line: Line | None, reachable: Mapping[int, str]) -> Menu | None:
    """The line's menu; None without its sound or without choices. A digit rings its people together.

    `reachable` are the telephones of those who may be rung, by user id. A digit whose people have none, or are away,
    leads to the apology, as one without people does.
    """
    choices = line.menu.get("choices") or [] if line else []
    sound = str(line.menu.get("sound") or "") if line else ""
    if line is None or not choices or not sound:
        return None
    seconds = line.step_seconds or office.step_seconds
    return Menu(sound, tuple(_choice(choice, reachable, seconds) for choice in choices))


def _choice(choice: Mapping[str, Any], reachable: Mapping[int, str], seconds: float) -> Choice:
    rung = tuple(reachable[user_id] for user_id in choice.get("user_ids", ()) if user_id in reachable)
    return Choice(str(choice["digit"]), (Step(rung, seconds),) if rung else ())
