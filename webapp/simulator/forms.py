"""The form of the simulator: a number, a line, the number dialled, a day and a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, ValidationError
from wtforms.validators import Optional

from webapp.clients.contacts import office_country
from webapp.clients.keys import normal_phone
from webapp.fields import ClockField, TextField, choices
from webapp.roster.wallclock import DAY_MINUTES, exists, instant


class TryForm(FlaskForm):
    """Everything may be left blank: a hidden number, the first line, its own number, now."""

    number = TextField(_l("The caller's number"), 40)
    line_id = SelectField(_l("Line"), coerce=int)
    dialed = TextField(_l("Number dialled"), 40)
    day = DateField(_l("Day"), validators=[Optional()])
    time = ClockField(_l("Time"))

    def offer(self, lines: Sequence[tuple[int, str]]) -> None:
        """Set what can be chosen."""
        self.line_id.choices = choices(lines)

    def validate_number(self, field: Any) -> None:
        _readable(field.data)

    def validate_dialed(self, field: Any) -> None:
        _readable(field.data)

    def validate_day(self, field: Any) -> None:
        if field.data and not date(2000, 1, 1) <= field.data <= date(2199, 12, 31):
            raise ValidationError(_("That year is far away."))

    def validate_time(self, field: Any) -> None:
        if field.data is None and self.day.data and not field.errors:
            raise ValidationError(_("Type a time such as 9:30."))

    def at(self, now: datetime, zone: tzinfo) -> datetime | None:
        """The moment asked about, None for now. Raises ValueError for a time the clock skips that night."""
        if self.time.data is None:
            return None
        day, minutes = self.day.data or now.astimezone(zone).date(), self.time.data
        if minutes < DAY_MINUTES and not exists(day, minutes, zone):
            raise ValueError(_("The clock skips this time that night: summer time begins."))
        return instant(day, minutes, zone)


def _readable(typed: str) -> None:
    if typed and not normal_phone(typed, office_country()):
        raise ValidationError(_("Type the number, such as +74951234567."))
