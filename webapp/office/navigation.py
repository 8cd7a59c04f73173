"""The pages of the settings in their groups: two rows of tabs, of which the second holds the pages of one group.

A page is a line here; its template extends `office/_frame.html`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import current_app, url_for
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from webapp.accounts.models import Role
from webapp.office.lists import LISTS

HEAD = (Role.HEAD,)
BOTH = (Role.HEAD, Role.ADMIN)


def _list(name: str) -> tuple[str, Any, tuple[Role, ...], dict[str, str]]:
    return ("office.list_page", LISTS[name].title, HEAD, {"name": name})


GROUPS: tuple[tuple[Any, tuple[tuple[str, Any, tuple[Role, ...], dict[str, str]], ...]], ...] = (
    (
        _l("Office"),
        (
            ("office.settings", _l("General"), HEAD, {}),
            ("office.prices", _l("Price ranges"), HEAD, {}),
        ),
    ),
    (
        _l("Calls"),
        (
            ("office.lines", _l("Lines"), HEAD, {}),
            ("simulator.page", _l("Who would ring"), HEAD, {}),
            ("office.dialling", _l("Calling out"), BOTH, {}),
            ("sounds.page", _l("Sounds"), HEAD, {}),
        ),
    ),
    (
        _l("Lists"),
        (
            _list("channels"),
            _list("purposes"),
            _list("outcomes"),
            _list("classes"),
            _list("regions"),
        ),
    ),
    (
        _l("Cards and deals"),
        (
            _list("statuses"),
            _list("types"),
            _list("payments"),
            ("office.free_mail_page", _l("Public mail"), HEAD, {}),
            ("rules.extra_fields", _l("Extra fields"), HEAD, {}),
            ("rules.steps", _l("Steps of statuses"), HEAD, {"name": "status"}),
            ("rules.steps", _l("Steps of deals"), HEAD, {"name": "stage"}),
            ("rules.categories", _l("Categories"), HEAD, {}),
        ),
    ),
    (_l("Privacy"), (("privacy.page", _l("Privacy"), HEAD, {}),)),
    (_l("Programs"), (("tokens.page", _l("API"), BOTH, {}),)),
)
"""(group, its pages as (endpoint, label, roles that see it, values of the address))."""


@dataclass(slots=True)
class Tab:
    """A page, or a group with its pages; a group's address is that of its first page."""

    label: Any
    address: str
    here: bool
    pages: list[Tab] = field(default_factory=list)


def tabs(path: str) -> list[Tab]:
    """What the signed-in user may open, with a mark where the reader is (`path`)."""
    groups = []
    for title, pages in GROUPS:
        seen = [
            _tab(path, endpoint, label, values)
            for endpoint, label, roles, values in pages
            if current_user.has_role(*roles) and endpoint in current_app.view_functions
        ]
        if seen:
            groups.append(Tab(title, seen[0].address, any(page.here for page in seen), seen))
    return groups


def _tab(path: str, endpoint: str, label: Any, values: dict[str, str]) -> Tab:
    address = url_for(endpoint, **values)  # type: ignore[arg-type]
    below = endpoint != "office.settings" and path.startswith(address + "/")
    return Tab(label, address, path == address or below)
