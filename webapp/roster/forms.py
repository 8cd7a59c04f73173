"""Forms of the roster: a shift, a pattern, a public holiday, an absence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from babel.dates import get_day_names
from flask_babel import format_date, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Optional

from webapp.accounts.models import User
from webapp.fields import ClockField, TextField, WholeField, choices
from webapp.roster import absences
from webapp.roster.duty import BACKUP, DUTY
from webapp.roster.emptying import Emptied
from webapp.roster.holidays import LONGEST_NAME
from webapp.roster.models import Absence, Shift, ShiftPattern
from webapp.roster.patterns import LONGEST_CYCLE, Rhythm
from webapp.roster.places import Place
from webapp.roster.sentences import shift_words
from webapp.roster.shifts import Wall
from webapp.roster.wallclock import DAY_MINUTES, wall_clock

MOST_WEEKS = 12
"""How far ahead a week can be copied at once."""


class HoursForm(FlaskForm):
    """From, to. `to` before `from` needs the box ticked."""

    starts = ClockField(_l("Starts"), validators=[InputRequired(_l("Type when it starts."))])
    ends = ClockField(_l("Ends"), validators=[InputRequired(_l("Type when it ends."))])
    over_midnight = BooleanField(_l("Over midnight, to the next day"))

    def minutes(self) -> tuple[int, int]:
        """The hours typed, once the form is valid. A midnight they end at is that of the same day."""
        start, end = self.starts.data, self.ends.data
        if self.over_midnight.data:
            end += DAY_MINUTES
        elif end == 0 < start:
            end = DAY_MINUTES
        return start, end


class ShiftForm(HoursForm):
    """A person, a day of the week shown, hours, what for. `version` is that of the shift as it was shown."""

    user_id = SelectField(_l("Who"), coerce=int, validators=[DataRequired(_l("Choose a person."))])
    day = SelectField(_l("Day"))
    rank = SelectField(_l("Rank"), coerce=int)
    place = SelectField(_l("Calls of"))
    override = BooleanField(_l("Instead of the usual shifts"))
    version = HiddenField()

    def offer(self, people: Sequence[User], days: Iterable[date], places: Sequence[tuple[str, str]]) -> None:
        """Set what can be chosen."""
        self.user_id.choices = _people(people)
        self.day.choices = choices((day.isoformat(), format_date(day, "EEE d MMM")) for day in sorted(set(days)))
        self.rank.choices = _ranks()
        self.place.choices = choices(places)
        self.place.data = self.place.data or ""

    def wall(self) -> Wall:
        """The span typed, once the form is valid."""
        return Wall(date.fromisoformat(self.day.data), *self.minutes())


class CopyForm(FlaskForm):
    """How many weeks ahead a week is copied."""

    weeks = WholeField(_l("Weeks ahead"), validators=[InputRequired(_l("Type how many weeks."))])

    def validate_weeks(self, field: Any) -> None:
        if field.data is not None and not 1 <= field.data <= MOST_WEEKS:
            raise ValidationError(_("From 1 to %(most)d weeks.", most=MOST_WEEKS))


class PatternForm(HoursForm):
    """A person, hours, what for, and the days: of the week, or so many on and so many off."""

    user_id = SelectField(_l("Who"), coerce=int, validators=[DataRequired(_l("Choose a person."))])
    rank = SelectField(_l("Rank"), coerce=int)
    place = SelectField(_l("Calls of"))
    repeat = RadioField(_l("Repeats"))
    weekdays = SelectMultipleField(_l("Days"), coerce=int)
    days_on = WholeField(_l("Days on"))
    days_off = WholeField(_l("Days off"))
    first_day = DateField(_l("First day"), validators=[InputRequired(_l("Choose a day."))])
    last_day = DateField(_l("Last day"), validators=[Optional()])
    on_holidays = BooleanField(_l("On public holidays too"))
    version = HiddenField()

    def offer(self, people: Sequence[User], places: Sequence[tuple[str, str]]) -> None:
        """Set what can be chosen."""
        self.user_id.choices = _people(people)
        self.rank.choices = _ranks()
        self.place.choices = choices(places)
        self.place.data = self.place.data or ""
        self.repeat.choices = choices([("week", _("on days of the week")), ("cycle", _("days on, days off"))])
        names = get_day_names("abbreviated", "stand-alone", get_locale())
        self.weekdays.choices = choices((day, names[day]) for day in range(7))

    def validate_first_day(self, field: Any) -> None:
        _sensible(field)

    def validate_last_day(self, field: Any) -> None:
        _sensible(field)
        if field.data and self.first_day.data and field.data < self.first_day.data:
            raise ValidationError(_("It ends before it begins."))

    def validate_weekdays(self, field: Any) -> None:
        if self.repeat.data == "week" and not field.data:
            raise ValidationError(_("Tick at least one day."))

    def validate_days_on(self, field: Any) -> None:
        self._part_of_cycle(field)

    def validate_days_off(self, field: Any) -> None:
        self._part_of_cycle(field)

    def _part_of_cycle(self, field: Any) -> None:
        if self.repeat.data == "cycle" and not 1 <= (field.data or 0) <= LONGEST_CYCLE // 2:
            raise ValidationError(_("From 1 to %(most)d days.", most=LONGEST_CYCLE // 2))

    def rhythm(self) -> Rhythm:
        """The pattern typed, once the form is valid."""
        if self.repeat.data == "week":
            cycle, first = 7, self.first_day.data.weekday()
            days = sorted((day - first) % 7 for day in self.weekdays.data)
        else:
            cycle, days = self.days_on.data + self.days_off.data, list(range(self.days_on.data))
        return Rhythm(
            self.first_day.data, self.last_day.data, cycle, days, *self.minutes(), on_holidays=self.on_holidays.data
        )


class HolidayForm(FlaskForm):
    """A day, its name, and the hours where the office opens nevertheless. `was`: the mark of the day as shown."""

    day = DateField(_l("Day"), validators=[InputRequired(_l("Choose a day."))])
    name = TextField(_l("Holiday"), LONGEST_NAME, missing=_l("Type what day it is."))
    opens = ClockField(_l("Opens"))
    closes = ClockField(_l("Closes"))
    was = HiddenField()

    def validate_day(self, field: Any) -> None:
        _sensible(field)

    def validate_closes(self, field: Any) -> None:
        if field.errors or self.opens.errors:
            return
        if (field.data is None) != (self.opens.data is None):
            raise ValidationError(_("Type both hours, or none when the office is closed."))
        if field.data is not None and field.data <= self.opens.data:
            raise ValidationError(_("It closes before it opens."))


class AbsenceForm(FlaskForm):
    """A person, away from, back at, why. Without `user_id` it is one's own.

    `version`: the absence's when it was shown. `anyway`: the `emptying.mark` of hours that may stay without anybody.
    """

    user_id = SelectField(_l("Who"), coerce=int, validators=[DataRequired(_l("Choose a person."))])
    kind = SelectField(_l("Why"))
    first_day = DateField(_l("Away from"), validators=[InputRequired(_l("Choose a day."))])
    starts = ClockField(_l("At"), validators=[InputRequired(_l("Type a time."))])
    last_day = DateField(_l("Back on"), validators=[InputRequired(_l("Choose a day."))])
    ends = ClockField(_l("At"), validators=[InputRequired(_l("Type a time."))])
    reason = TextField(_l("Reason"), 200)
    version = HiddenField()
    anyway = StringField()
    emptied: Sequence[Emptied] = ()
    """The hours it would leave with nobody on duty, when that is to be asked."""

    def offer(self, people: Sequence[User] | None) -> None:
        """Set who can be chosen; None: nobody but oneself."""
        self.kind.choices = choices(absences.KINDS.items())
        if people is not None:
            self.user_id.choices = _people(people)
        elif self.user_id is not None:
            del self.user_id

    def away(self) -> absences.Away:
        """What was typed, once the form is valid."""
        start, end = (self.first_day.data, self.starts.data), (self.last_day.data, self.ends.data)
        return absences.Away(start, end, self.kind.data, self.reason.data)

    def validate_first_day(self, field: Any) -> None:
        _sensible(field)

    def validate_last_day(self, field: Any) -> None:
        _sensible(field)


class OfferForm(FlaskForm):
    """A shift of mine, to whom, for what. Values are ids as text; '' is anybody, and nothing in return."""

    shift_id = SelectField(_l("My shift"), validators=[InputRequired(_l("Choose a shift of yours."))])
    to_user_id = SelectField(_l("To whom"), default="")
    in_return_id = SelectField(_l("In return"), default="")
    words = TextField(_l("A word to it"), 200)

    def offer(self, mine: Sequence[Shift], people: Sequence[User], theirs: Sequence[Shift], zone: tzinfo) -> None:
        """Set what can be chosen; `theirs` are the shifts of the colleague chosen."""
        self.shift_id.choices = choices((str(row.id), shift_words(row, zone)) for row in mine)
        self.to_user_id.choices = choices([("", _("Anybody")), *((str(user.id), user.name) for user in people)])
        self.in_return_id.choices = choices(
            [("", _("Nothing")), *((str(row.id), shift_words(row, zone)) for row in theirs)]
        )


class AwayNowForm(FlaskForm):
    """Away from now on: for some minutes (a key each), until a time today, or `at`, until an instant asked about."""

    minutes = StringField()
    until = ClockField(_l("until"))
    at = StringField()
    anyway = StringField()
    emptied: Sequence[Emptied] = ()

    def back_at(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When he will be back, once the form is valid; None, with the reason beside the field, when nobody said."""
        if self.at.data:
            try:
                return datetime.fromisoformat(self.at.data).astimezone(UTC)
            except (ValueError, OverflowError):
                pass
        elif self.minutes.data:
            if self.minutes.data in {str(minutes) for minutes in absences.QUICK_MINUTES}:
                return now + timedelta(minutes=int(self.minutes.data))
        elif self.until.data is not None:
            return absences.until_clock(self.until.data, now, zone)
        self.until.errors = [_("Type when you will be back, such as 15:30.")]
        return None


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
        "place": Place(shift.line_id, shift.region_id).code,
        "override": shift.override,
        "version": str(shift.version),
    }


def pattern_values(pattern: ShiftPattern) -> dict[str, Any]:
    """A pattern as the form shows it."""
    weekly = pattern.cycle_days == 7
    return {
        "user_id": pattern.user_id,
        "starts": pattern.starts,
        "ends": pattern.ends if pattern.ends <= DAY_MINUTES else pattern.ends - DAY_MINUTES,
        "over_midnight": pattern.ends > DAY_MINUTES,
        "rank": pattern.rank,
        "place": Place(pattern.line_id, pattern.region_id).code,
        "repeat": "week" if weekly else "cycle",
        "weekdays": [(pattern.first_day.weekday() + day) % 7 for day in pattern.days] if weekly else [],
        "days_on": None if weekly else len(pattern.days),
        "days_off": None if weekly else pattern.cycle_days - len(pattern.days),
        "first_day": pattern.first_day,
        "last_day": pattern.last_day,
        "on_holidays": pattern.on_holidays,
        "version": str(pattern.version),
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
        "kind": absence.kind if absence.kind in absences.KINDS else "other",
        "reason": absence.reason,
        "version": absence.version,
    }


def _ranks() -> list[SelectChoice]:
    return choices([(DUTY, _("On duty")), (BACKUP, _("Backup"))])


def _people(people: Sequence[User]) -> list[SelectChoice]:
    return choices([(0, _("Choose ...")), *((user.id, user.name) for user in people)])


def _sensible(field: Any) -> None:
    if field.data and not date(2000, 1, 1) <= field.data <= date(2199, 12, 31):
        raise ValidationError(_("That year is far away."))
