"""The filters above the missed callers and their report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from webapp.accounts.models import User
from webapp.fields import id_or_none
from webapp.office.models import Line
from webapp.reports.forms import PeriodForm
from webapp.reports.periods import PERIODS


class FilterForm(PeriodForm):
    """Period, manager and line; the report has no manager. `any_time`: a period need not be chosen."""

    show = HiddenField()
    line = SelectField(_l("Line"), coerce=id_or_none, validators=[Optional()])

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
