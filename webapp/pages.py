"""What every page has: security headers, navigation, formatting of times and numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
from flask import Flask, Response, current_app
from flask_babel import format_date, format_decimal, format_time, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from webapp import feed
from webapp.access import EVERYBODY, SALES
from webapp.accounts.models import Role
from webapp.db import db
from webapp.languages import LANGUAGES

NAVIGATION = (
    ("now.board", _l("Now"), (Role.HEAD,)),
    ("desk.page", _l("Desk"), SALES),
    ("reception.page", _l("Reception"), (Role.SECRETARY,)),
    ("missed.index", _l("Missed"), SALES),
    ("tasks.index", _l("Tasks"), SALES),
    ("clients.index", _l("Clients"), SALES),
    ("reports.ledger", _l("Ledger"), SALES),
    ("calls.index", _l("Calls"), SALES),
    ("roster.week", _l("Roster"), SALES),
    ("mail.index", _l("Mail"), EVERYBODY),
    ("scripts.index", _l("Scripts"), SALES),
    ("office.settings", _l("Settings"), (Role.HEAD,)),
    ("telephones.index", _l("Telephones"), (Role.HEAD, Role.ADMIN)),
    ("office.dialling", _l("Calling out"), (Role.ADMIN,)),
    ("accounts.users", _l("Users"), (Role.ADMIN,)),
)
"""(endpoint, label, roles that see it), in the order of the bar."""
RARE = ("mail.index", "scripts.index", "office.settings", "telephones.index")
"""Entries that give way, into the menu at the bar's end, where a role has more than MOST_IN_BAR."""
MOST_IN_BAR = 9

OF_CARDS = ("quick", "doubles", "history", "imports", "worklists", "deals", "exports")
"""Blueprints whose pages stand under the entry of clients."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; media-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def init(app: Flask) -> None:
    """Attach headers, template helpers and filters to `app`."""
    manifest = Path(app.static_folder or "") / "vendor" / "vendor.json"
    integrity = {name: entry["integrity"] for name, entry in json.loads(manifest.read_text()).items()}

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if response.mimetype == "text/html":
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.context_processor
    def helpers() -> dict[str, Any]:
        return {
            "navigation": _navigation,
            "is_under": _is_under,
            "integrity": integrity,
            "languages": LANGUAGES,
            "locale": str(get_locale() or "en"),
            "feed_last_id": lambda: feed.last_id(db.session()),
            "now": app.config["CLOCK"],
            "Role": Role,
            "EVERYBODY": EVERYBODY,
            "SALES": SALES,
        }

    app.jinja_env.filters.update(
        phone=phone, clock_time=clock_time, day=day, moment=moment, duration=duration, ago=ago, number=number
    )


def _navigation() -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """The entries of the bar and those of its menu, for the reader's role."""
    entries = [
        (endpoint, label)
        for endpoint, label, roles in NAVIGATION
        if current_user.has_role(*roles) and endpoint in current_app.view_functions
    ]
    if len(entries) <= MOST_IN_BAR:
        return entries, []
    return [one for one in entries if one[0] not in RARE], [one for one in entries if one[0] in RARE]


def _is_under(entry: str, endpoint: str, path: str) -> bool:
    """Whether the page of an endpoint and its path stands under this entry of the bar."""
    if entry == "office.settings" and path.startswith(("/settings", "/simulator")):
        return True
    blueprint = endpoint.partition(".")[0]
    if blueprint == "accounts":  # one's own pages are under no entry
        return endpoint == entry
    if blueprint == "letters":
        blueprint = "mail"
    return entry.partition(".")[0] == ("clients" if blueprint in OF_CARDS else blueprint)


def phone(number: str) -> str:
    """A number as people write it: +7 495 123-45-67; what can't be read is shown as it is."""
    try:
        parsed = phonenumbers.parse(number, current_app.config["SETTINGS"].country)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def clock_time(at: datetime | None) -> str:
    """09:05, in the office's zone."""
    return format_time(at, "HH:mm") if at else ""


def day(at: datetime | None) -> str:
    """12 Nov, in the office's zone, with the year when it isn't this one's."""
    if not at:
        return ""
    this_year = current_app.config["CLOCK"]().year == at.year
    return format_date(at.astimezone(current_app.config["SETTINGS"].timezone), "d MMM" if this_year else "d MMM y")


def moment(at: datetime | None) -> str:
    """Today 09:05, tomorrow 10:00, 12 Nov 10:00; in the office's zone."""
    if not at:
        return ""
    zone = current_app.config["SETTINGS"].timezone
    days = (at.astimezone(zone).date() - current_app.config["CLOCK"]().astimezone(zone).date()).days
    time = format_time(at, "HH:mm")
    if days == 0:
        return _("today %(time)s", time=time)
    if days == 1:
        return _("tomorrow %(time)s", time=time)
    if days == -1:
        return _("yesterday %(time)s", time=time)
    return f"{day(at)} {time}"


def number(count: int) -> str:
    """12,345 as the reader writes it."""
    return format_decimal(count)


def duration(seconds: float | None) -> str:
    """0:08, 12:31, 1:02:05."""
    whole = int(seconds or 0)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ago(at: datetime | None) -> str:
    """How long since `at`, or until it: 5 min, 2 h 10 min, 3 d."""
    if not at:
        return ""
    gap: timedelta = abs(current_app.config["CLOCK"]() - at.astimezone(UTC))
    minutes = int(gap.total_seconds() // 60)
    if minutes < 60:
        return _("%(minutes)d min", minutes=minutes)
    if minutes < 24 * 60:
        return _("%(hours)d h %(minutes)d min", hours=minutes // 60, minutes=minutes % 60)
    return _("%(days)d d", days=minutes // 1440)
