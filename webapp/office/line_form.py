"""The form of a line: what it is, how it stands in the office, who is rung, what callers hear, what is recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, FieldList, Form, FormField, RadioField, SelectField, ValidationError
from wtforms import SelectMultipleField as ManyField

from sipbridge.events import Mode
from webapp.calls.routing import ORDER, Who
from webapp.fields import NumberField, TextField, WholeField, choices
from webapp.languages import LANGUAGES
from webapp.office.models import Line
from webapp.typed import row_id

NAME = re.compile(r"[A-Za-z0-9+][A-Za-z0-9._+-]{0,59}", re.ASCII)
RINGS = (1, 6)
RING_SECONDS = (1, 10)
STEP_SECONDS = (5, 120)
MESSAGE_SECONDS = (0, 120)
KEEP_DAYS = (1, 3650)
RANKS = (1, 2, 3, 4, 5)
MENU_ROWS = 5
DIGITS = "1234567890"
MODES = {
    Mode.BRIDGE: (_l("Answer and connect"), _l("We answer on the set ring, greet, ring the telephones and connect.")),
    Mode.WATCH: (_l("Only watch"), _l("We ring along with other telephones and never answer: cards and missed calls.")),
    Mode.REDIRECT: (_l("Send on"), _l("The exchange is asked to ring the manager's telephone itself; many refuse.")),
}
SPREADS = {
    "together": _l("all at once"),
    "order": _l("one by one, as the roster has them"),
    "evenly": _l("evenly: who had the fewest calls today first"),
}
COLUMNS = (
    "name", "title", "number", "script", "language", "answer_on_ring", "ring_seconds", "step_seconds", "mode",
    "spread", "record", "record_notice", "message_seconds", "keep_recordings_days",
)  # fmt: skip


class RanksField(Field):
    """Who is rung and when: user id -> rank, of the fields `people-ID`; who has none is not rung."""

    data: dict[int, int]

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        self.process_errors: list[str] = []
        self.data = dict(data) if isinstance(data, Mapping) else {}
        if formdata is None:
            return
        start = f"{self.name}-"
        typed = {key.removeprefix(start): formdata[key] for key in formdata if key.startswith(start)}
        self.data = {
            user_id: int(rank)
            for text, rank in typed.items()
            if (user_id := row_id(text)) is not None and rank in map(str, RANKS)
        }


@dataclass
class HuntRow:
    """One step as the form shows it. `typed`: its seconds as written, '' for as long as the line rings one."""

    who: Who
    on: bool
    typed: str = ""
    seconds: float | None = None
    error: str = ""


class HuntField(Field):
    """Whom to ring in which order: `hunt-who` once a row in their order, `hunt-on-WHO` ticked, `hunt-seconds-WHO`.

    A step that is off stands where it was put as long as the form is open.
    """

    rows: list[HuntRow]
    sent = False

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        self.process_errors: list[str] = []
        if formdata is None:
            kept = data or [{"who": who, "seconds": None} for who in ORDER]
            self.rows = [HuntRow(one["who"], True, _plain(one["seconds"]), one["seconds"]) for one in kept]
        else:
            wanted = [who for who in formdata.getlist("hunt-who") if who in tuple(ORDER)]
            self.sent = bool(wanted)
            self.rows = [_hunt_row(who, formdata) for who in dict.fromkeys(wanted)]
        there = {row.who for row in self.rows}
        self.rows += [HuntRow(who, on=not self.rows) for who in ORDER if who not in there]

    def kept(self) -> list[dict[str, Any]] | None:
        """What a line keeps, [] for the usual order; None when nothing of it was sent."""
        if not self.sent:
            return None
        hunt = [{"who": row.who, "seconds": row.seconds} for row in self.rows if row.on]
        return [] if hunt == [{"who": who, "seconds": None} for who in ORDER] else hunt

    def move(self, what: str) -> str:
        """Put one row up or down; returns whose it was, '' for nonsense."""
        way, _dash, who = what.partition("-")
        place = next((number for number, row in enumerate(self.rows) if row.who == who), None)
        if place is None or way not in ("up", "down"):
            return ""
        to = max(0, min(len(self.rows) - 1, place + (-1 if way == "up" else 1)))
        self.rows.insert(to, self.rows.pop(place))
        return who


def _hunt_row(who: Who, formdata: Any) -> HuntRow:
    typed = str(formdata.get(f"hunt-seconds-{who}", "")).strip().replace(",", ".")
    row = HuntRow(who, f"hunt-on-{who}" in formdata, typed[:10])
    if typed:
        row.seconds = float(typed) if re.fullmatch(r"[0-9]{1,3}(\.[0-9])?", typed, re.ASCII) else None
        if row.seconds is None or not STEP_SECONDS[0] <= row.seconds <= STEP_SECONDS[1]:
            row.error = _("From %(min)s to %(max)s.", min=STEP_SECONDS[0], max=STEP_SECONDS[1])
    return row


def _plain(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:g}"


class ChoiceForm(Form):
    """One digit of the menu; without people the caller is asked for a message."""

    digit = SelectField(_l("Digit"), default="", choices=choices([("", "–"), *((digit, digit) for digit in DIGITS)]))
    title = TextField(_l("What for"), 60)
    user_ids = ManyField(_l("Whom it rings"), coerce=int)

    def validate_digit(self, field: Any) -> None:
        if not field.data and (self.title.data or self.user_ids.data):
            raise ValidationError(_("Choose the digit."))

    def validate_title(self, field: Any) -> None:
        if self.digit.data and not field.data:
            raise ValidationError(_("Type what it is for."))


class LineForm(FlaskForm):
    """A number callers dial; what is left blank follows the office."""

    name = TextField(_l("SIP name"), 60, missing=_l("Type the name the PBX calls."))
    title = TextField(_l("Title"), 120)
    number = TextField(_l("Number callers dial"), 40)
    channel_id = SelectField(_l("Channel"), coerce=int)
    script = SelectField(_l("Script"))
    language = SelectField(_l("Language"))
    mode = RadioField(_l("How it stands in the office"), choices=choices((mode.value, mode.value) for mode in Mode))
    answer_on_ring = WholeField(_l("Answer on ring"))
    ring_seconds = NumberField(_l("A ring lasts, seconds"))
    step_seconds = NumberField(_l("Ring one for, seconds"))
    people = RanksField(_l("Who is rung"))
    spread = SelectField(_l("Those on duty are rung"), default="together", choices=choices(SPREADS.items()))
    hunt = HuntField(_l("In this order"))
    message_seconds = WholeField(_l("Voice message up to, seconds"))
    record = BooleanField(_l("Record the talks"))
    record_notice = BooleanField(_l("Announce it to both first"))
    keep_recordings_days = WholeField(_l("Keep recordings for, days"))
    menu = FieldList(FormField(ChoiceForm), min_entries=MENU_ROWS, max_entries=MENU_ROWS)

    @classmethod
    def of(cls, line: Line | None) -> LineForm:
        """The form of a line as it is; a new one is recorded, and answers."""
        if line is None:
            return cls(
                formdata=None, data={"record": True, "script": "inbound", "mode": "bridge", "message_seconds": 120}
            )
        values = {column: getattr(line, column) for column in COLUMNS}
        values["channel_id"] = line.channel_id or 0
        values["hunt"] = line.hunt
        values["people"] = {one.user_id: one.rank for one in line.people}
        values["menu"] = [dict(choice) for choice in (line.menu.get("choices") or [])[:MENU_ROWS]]
        return cls(formdata=None, data=values)

    def offer(self, channels: list[tuple[int, str]], scripts: list[str], people: Sequence[tuple[int, str]]) -> None:
        """Set what can be chosen."""
        self.channel_id.choices = choices([(0, _("not known")), *channels])
        self.script.choices = choices((script, script) for script in scripts)
        self.language.choices = choices([("", _("as the office")), *LANGUAGES.items()])
        self.offered = dict(people)
        for row in self.menu:
            row.form.user_ids.choices = choices(people)

    def choices_typed(self) -> list[dict[str, Any]]:
        """The menu as a line keeps it."""
        return [
            {"digit": row.digit.data, "title": row.title.data, "user_ids": row.user_ids.data or []}
            for row in (entry.form for entry in self.menu)
            if row.digit.data
        ]

    def validate_name(self, field: Any) -> None:
        if not NAME.fullmatch(field.data):
            raise ValidationError(_("Use Latin letters, digits, dots, dashes and plus; no blanks."))

    def validate_number(self, field: Any) -> None:
        if field.data and not any(letter.isdigit() for letter in field.data):
            raise ValidationError(_("Type the number, such as +74951234567."))

    def validate_answer_on_ring(self, field: Any) -> None:
        _within(field.data, RINGS)

    def validate_ring_seconds(self, field: Any) -> None:
        _within(field.data, RING_SECONDS)

    def validate_step_seconds(self, field: Any) -> None:
        _within(field.data, STEP_SECONDS)

    def validate_keep_recordings_days(self, field: Any) -> None:
        _within(field.data, KEEP_DAYS)

    def validate_message_seconds(self, field: Any) -> None:
        if field.data is None:
            raise ValidationError(_("Type a number; 0 for no message."))
        _within(field.data, MESSAGE_SECONDS)

    def validate_people(self, field: Any) -> None:
        if not field.data.keys() <= self.offered.keys():
            raise ValidationError(_("Somebody chosen is no longer here. Choose again."))

    def validate_hunt(self, field: Any) -> None:
        if not field.sent:
            return
        if any(row.error for row in field.rows if row.on):
            raise ValidationError(_("Seconds of a step: from %(min)s to %(max)s, or nothing.", min=5, max=120))
        on = {row.who for row in field.rows if row.on}
        if not on & ({"duty", "head"} if self.people.data else {"duty", "backup", "head"}):
            raise ValidationError(
                _("A new caller would ring nobody: tick those on duty or the head of sales.")
                if self.people.data
                else _("A new caller would ring nobody: tick those on duty, the backups or the head of sales.")
            )

    def validate_menu(self, field: Any) -> None:
        digits = [choice["digit"] for choice in self.choices_typed()]
        if len(set(digits)) < len(digits):
            raise ValidationError(_("A digit can lead to one place only."))


def _within(value: float | None, limits: tuple[int, int]) -> None:
    if value is not None and not limits[0] <= value <= limits[1]:
        raise ValidationError(_("From %(min)s to %(max)s.", min=limits[0], max=limits[1]))
