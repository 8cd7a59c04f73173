"""Forms of the settings: the office itself, whom a role may call, a price range."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, SelectMultipleField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from webapp.access import SALES
from webapp.clients.contacts import office_country
from webapp.fields import ClockField, NumberField, TextField, WholeField, choices
from webapp.languages import LANGUAGES
from webapp.office import money

WEEKDAYS = (
    (0, _l("Mon")),
    (1, _l("Tue")),
    (2, _l("Wed")),
    (3, _l("Thu")),
    (4, _l("Fri")),
    (5, _l("Sat")),
    (6, _l("Sun")),
)
PAUSE_KEYS = re.compile(r"[0-9*#]{0,4}", re.ASCII)
RINGS = (1, 6)


def needed(low: float, high: float) -> list[Any]:
    """Validators of a number that must be there, from `low` to `high`."""
    return [InputRequired(_l("Type a number.")), NumberRange(low, high, _l("From %(min)s to %(max)s."))]


def at_most(letters: int) -> Length:
    """The validator of a text that may be missing."""
    return Length(max=letters, message=_l("At most %(max)d characters."))


class SettingsForm(FlaskForm):
    """The one row of settings, under the names of its columns."""

    company = TextField(_l("Company"), 120, missing=_l("Type the company's name."))
    what_we_do = TextField(_l("What we do"), 200)
    greeting_phrase = TextField(_l("Closing words of the greeting"), 200)
    language = SelectField(_l("Language of greetings and scripts"), choices=choices(LANGUAGES.items()))
    answer_on_ring = WholeField(_l("Answer on ring"), validators=needed(*RINGS))
    ring_seconds = NumberField(_l("Length of a ring, seconds"), validators=needed(1, 10))
    step_seconds = NumberField(_l("Ring one person for, seconds"), validators=needed(5, 120))
    promise_minutes = WholeField(_l("We promise to call back within, minutes"), validators=needed(1, 120))
    wrap_up_seconds = WholeField(_l("Rest after a talk, seconds"), default=60, validators=needed(0, 900))
    longest_promise_minutes = WholeField(_l("Promise at most, minutes"), validators=needed(1, 1440))
    missed_backup_minutes = WholeField(_l("Missed: tell the backups after, minutes"), validators=needed(1, 240))
    missed_head_minutes = WholeField(_l("Missed: tell the head after, minutes"), validators=needed(1, 480))
    max_approaches = WholeField(_l("Approaches without a result, at most"), validators=needed(1, 20))
    ladder_days = WholeField(_l("Keep the SIP messages of a call, days"), validators=needed(0, 365))
    pause_keys = TextField(_l("Keys that pause the recording"), 4)
    show_attitude = BooleanField(_l("Remind of a good attitude while it rings"))
    opens = ClockField(_l("Opens"), validators=[InputRequired(_l("Type a time."))])
    closes = ClockField(_l("Closes"), validators=[InputRequired(_l("Type a time."))])
    workdays = SelectMultipleField(
        _l("Working days"), coerce=int, choices=choices(WEEKDAYS), widget=ListWidget(), option_widget=CheckboxInput()
    )
    conversion_counts = SelectField(
        _l("Conversion counts"), choices=choices([("meeting", _l("meetings set")), ("sale", _l("sales"))])
    )
    currency = SelectField(_l("Amounts of deals are in"), default="")
    signature = TextAreaField(_l("Below the name in a letter"), validators=[at_most(500)], default="")
    requisites = TextAreaField(_l("Our details in a letter"), validators=[at_most(2000)], default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = money.of_country(office_country())
        others = [code for code in money.CURRENCIES if code != own]
        self.currency.choices = [("", money.named(own)), *((code, money.named(code)) for code in others)]

    def validate_longest_promise_minutes(self, field: Any) -> None:
        if field.data is not None and self.promise_minutes.data is not None and field.data < self.promise_minutes.data:
            raise ValidationError(_("It can't be less than what we promise to everybody."))

    def validate_missed_head_minutes(self, field: Any) -> None:
        backups = self.missed_backup_minutes.data
        if field.data is not None and backups is not None and field.data < backups:
            raise ValidationError(_("The backups are told first: the head not before them."))

    def validate_pause_keys(self, field: Any) -> None:
        if not PAUSE_KEYS.fullmatch(field.data):
            raise ValidationError(_("Up to four of the keys 0 to 9, * and #."))

    def validate_closes(self, field: Any) -> None:
        if field.data is not None and self.opens.data is not None and field.data <= self.opens.data:
            raise ValidationError(_("The office closes after it opens."))


class DialRuleForm(FlaskForm):
    """Whom a role may call."""

    role = SelectField(_l("Role"))
    pattern = TextField(_l("Numbers"), 60, missing=_l("Type the numbers that may be called."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = choices((role.value, role.label) for role in SALES)


class PriceForm(FlaskForm):
    """What may be said when a caller insists on a price (D53, D54)."""

    product = TextField(_l("Product"), 120, missing=_l("Type the product."))
    low = TextField(_l("From"), 40, missing=_l("Type the lowest price."))
    high = TextField(_l("To"), 40, missing=_l("Type the highest price."))
    conditions = TextField(_l("Conditions"), 200)

    def validate_high(self, field: Any) -> None:
        low, high = _amount(self.low.data), _amount(field.data)
        if low is not None and high is not None and high < low:
            raise ValidationError(_("The highest price is below the lowest."))


def _amount(text: str) -> float | None:
    """The number in "from 12 500 a piece", when there is exactly one."""
    found = re.findall(r"\d+(?:[.,]\d+)?", re.sub(r"(?<=\d)[\s'](?=\d{3})", "", text or ""), re.ASCII)
    return float(found[0].replace(",", ".")) if len(found) == 1 else None
