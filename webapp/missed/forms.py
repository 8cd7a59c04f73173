"""The filters above the missed callers and their report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, Form, HiddenField, SelectField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from webapp.accounts.models import User
from webapp.office.models import Line
from webapp.reports.forms import EARLIEST, LATEST
from webapp.reports.periods import LONGEST, PERIODS


def _id(value: Any) -> int | None:
    return int(value) if value not in ("", None, "None") else None


class FilterForm(Form):
    """Period, manager and line; the report has no manager. `any_time`: a period need not be chosen."""

    show = HiddenField()
    period = SelectField(_l("Period"))
    day = DateField(_l("Day"), validators=[InputRequired(_l("Choose a day."))])
    until = DateField(_l("Last day"), validators=[Optional()])
    manager = SelectField(_l("Manager"), coerce=_id, validators=[Optional()])
    line = SelectField(_l("Line"), coerce=_id, validators=[Optional()])

    def __init__(
        self, formdata: Any, today: date, people: Sequence[User], lines: Sequence[Line], period: str, any_time: bool
    ) -> None:
        values = formdata.copy()
        for name, value in {"day": today.isoformat(), "period": period, "manager": "", "line": ""}.items():
            values.setdefault(name, value)
        super().__init__(values)
        anytime = [SelectChoice("any", _l("Any time"))] if any_time else []
        self.period.choices = anytime + [SelectChoice(*one) for one in PERIODS.items()]
        self.manager.choices = [
            SelectChoice("", _l("All managers")),
            *(SelectChoice(user.id, user.name) for user in people),
        ]
        self.line.choices = [
            SelectChoice("", _l("All lines")),
            *(SelectChoice(line.id, line.title or line.name) for line in lines),
        ]

    def validate_day(self, field: Field) -> None:
        """Keep to years there can have been a call in."""
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
