"""The filters above the ledger, and what those of any report share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, Form, SelectField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from webapp.accounts.models import User
from webapp.fields import id_or_none
from webapp.office.models import Channel
from webapp.reports.periods import LONGEST, PERIODS

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


class PeriodForm(Form):
    """The period of a report and the manager it is about."""

    period = SelectField(_l("Period"), choices=[SelectChoice(*period) for period in PERIODS.items()], default="day")
    day = DateField(_l("Day"), validators=[InputRequired(_l("Choose a day."))])
    until = DateField(_l("Last day"), validators=[Optional()])
    manager = SelectField(_l("Manager"), coerce=id_or_none, validators=[Optional()])

    def validate_day(self, field: Field) -> None:
        """Keep to years there can have been a contact in."""
        if field.data and not EARLIEST <= field.data < LATEST:
            raise ValidationError(_l("Choose a day of this century."))

    def validate_until(self, field: Field) -> None:
        """From-to has two days in order, and not too many between them."""
        if self.period.data != "range" or not isinstance(self.day.data, date):
            return
        if field.data < self.day.data:
            raise ValidationError(_l("The last day is before the first."))
        if field.data - self.day.data > LONGEST:
            raise ValidationError(_l("At most three months at a time."))


class FilterForm(PeriodForm):
    """Period, manager and channel. `people`: whose ledgers may be asked for; `may_all`: everybody's together too."""

    channel = SelectField(_l("Channel"), coerce=id_or_none, validators=[Optional()])

    def __init__(
        self, formdata: Any, today: date, people: Sequence[User], may_all: bool, channels: Sequence[Channel]
    ) -> None:
        values = formdata.copy()
        values.setdefault("day", today.isoformat())
        values.setdefault("period", "day")
        if not may_all and not values.get("manager"):
            values["manager"] = str(people[0].id)
        values.setdefault("manager", "")
        values.setdefault("channel", "")
        super().__init__(values)
        everybody = [SelectChoice("", _l("All managers"))] if may_all else []
        self.manager.choices = everybody + [SelectChoice(user.id, user.name) for user in people]
        self.channel.choices = [
            SelectChoice("", _l("All channels")),
            *(SelectChoice(channel.id, channel.name) for channel in channels),
        ]
