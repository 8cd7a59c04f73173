"""What every view asks of the office it runs in: the time and the zone. Verbs take both as arguments."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import current_app


def now() -> datetime:
    """This instant, aware, in UTC; asked once a view."""
    instant: datetime = current_app.config["CLOCK"]()
    return instant


def zone() -> ZoneInfo:
    """The office's zone, for what people read and type."""
    office: ZoneInfo = current_app.config["SETTINGS"].timezone
    return office
