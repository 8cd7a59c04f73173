"""What a user lets the page call for attention with: a sound, desktop notifications, and for which events."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import lazy_gettext as _l

from webapp.access import SALES
from webapp.accounts.models import Role, User

EVENTS: dict[str, tuple[Any, tuple[Role, ...]]] = {
    "call": (_l("a call rings for me"), SALES),
    "due": (_l("a reminder or a promise of mine is due"), SALES),
    "missed": (_l("a call was missed"), (Role.HEAD,)),
    "promise": (_l("a promise was broken"), (Role.HEAD,)),
    "gap": (_l("nobody is on duty"), (Role.HEAD,)),
    "line": (_l("a line is down"), (Role.HEAD, Role.ADMIN)),
}
"""What may be told: its words, and to whom it is offered."""


def offered(user: User) -> dict[str, Any]:
    """The events that may concern `user`, with their words."""
    return {name: label for name, (label, roles) in EVENTS.items() if user.has_role(*roles)}


def chosen(user: User) -> list[str]:
    """The events `user` wants to hear of; none when he wants neither sound nor notification."""
    if not (user.sound or user.popups):
        return []
    return [name for name in offered(user) if name not in (user.not_told or ())]


def choose(user: User, sound: bool, popups: bool, events: Collection[str]) -> None:
    """Keep the choice; names that are not offered are left out."""
    user.sound, user.popups = sound, popups
    user.not_told = [name for name in offered(user) if name not in events]
