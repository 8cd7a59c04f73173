"""Forms of the roster: a shift, an absence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta, tzinfo
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, SelectChoice, SelectField, ValidationError
from wtforms.validators import DataRequired, InputRequired

from webapp.accounts.models import User
from webapp.fields import ClockField, TextField, choices
from webapp.roster.duty import BACKUP, DUTY
from webapp.roster.models import Absence, Shift
from webapp.roster.shifts import Wall
from webapp.roster.wallclock import DAY_MINUTES, wall_clock


class ShiftForm(FlaskForm):
    """A person, a day of the week shown, from, to. `to` before `from` needs the box ticked."""

    user_id = SelectField(_l("Who"), coerce=int, validators=[DataRequired(_l("Choose a person."))])
    day = SelectField(_l("Day"))
    starts = ClockField(_l("Starts"), validators=[InputRequired(_l("Type when it starts."))])
    ends = ClockField(_l("Ends"), validators=[InputRequired(_l("Type when it ends."))])
    over_midnight = BooleanField(_l("Over midnight, to the next day"))
    rank = SelectField(_l("Rank"), coerce=int)
    override = BooleanField(_l("Instead of the usual shifts"))

    def offer(self, people: Sequence[User], days: Iterable[date]) -> None:
        """Set what can be chosen."""
        self.user_id.choices = _people(people)
        self.day.choices = choices((day.isoformat(), format_date(day, "EEE d MMM")) for day in sorted(set(days)))
        self.rank.choices = choices([(DUTY, _("On duty")), (BACKUP, _("Backup"))])

    def wall(self) -> Wall:
        """The span typed, once the form is valid. A midnight it ends at is that of the same day."""
        start, end = self.starts.data, self.ends.data
        if self.over_midnight.data:
            end += DAY_MINUTES
        elif end == 0 < start:
            end = DAY_MINUTES
        return Wall(date.fromisoformat(self.day.data), start, end)


class AbsenceForm(FlaskForm):
    """A person, away from, back at."""

    user_id = SelectField(_l("Who"), coerce=int, validators=[DataRequired(_l("Choose a person."))])
    first_day = DateField(_l("Away from"), validators=[InputRequired(_l("Choose a day."))])
    starts = ClockField(_l("At"), validators=[InputRequired(_l("Type a time."))])
    last_day = DateField(_l("Back on"), validators=[InputRequired(_l("Choose a day."))])
    ends = ClockField(_l("At"), validators=[InputRequired(_l("Type a time."))])
    reason = TextField(_l("Reason"), 200)

    def offer(self, people: Sequence[User]) -> None:
        """Set who can be chosen."""
        self.user_id.choices = _people(people)

    def validate_first_day(self, field: Any) -> None:
        _sensible(field)

    def validate_last_day(self, field: Any) -> None:
        _sensible(field)


def shift_values(shift: Shift, zone: tzinfo) -> dict[str, Any]:
    """A shift as the form shows it."""
    (day, start), (last, end) = wall_clock(shift.starts_at, zone), wall_clock(shift.ends_at, zone)
    midnight = last == day + timedelta(days=1) and end == 0
    return {
        "user_id": shift.user_id,
        "day": day.isoformat(),
        "starts": start,
        "ends": DAY_MINUTES if midnight else end,
        "over_midnight": last != day and not midnight,
        "rank": shift.rank,
        "override": shift.override,
    }


def absence_values(absence: Absence, zone: tzinfo) -> dict[str, Any]:
    """An absence as the form shows it."""
    (first_day, starts), (last_day, ends) = wall_clock(absence.starts_at, zone), wall_clock(absence.ends_at, zone)
    return {
        "user_id": absence.user_id,
        "first_day": first_day,
        "starts": starts,
        "last_day": last_day,
        "ends": ends,
        "reason": absence.reason,
    }


def _people(people: Sequence[User]) -> list[SelectChoice]:
    return choices([(0, _("Choose ...")), *((user.id, user.name) for user in people)])


def _sensible(field: Any) -> None:
    if field.data and not date(2000, 1, 1) <= field.data <= date(2199, 12, 31):
        raise ValidationError(_("That year is far away."))
