"""Form fields that several pages share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from wtforms import SelectChoice, StringField, ValidationError


def choices(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """What a select field offers, from (value, words) pairs."""
    return [SelectChoice(value, words) for value, words in pairs]


def id_or_none(value: Any) -> int | None:
    """The id a select field has sent, None for its entry that names no row."""
    return None if value in ("", None, "None") else int(value)


class ClockField(StringField):
    """A time of day as people type it: 9, 9:30, 09.30, 0930, 24:00. `data` is minutes after midnight or None.

    What was typed is shown again when it can't be read.
    """

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        match = re.fullmatch(r"(\d{1,2})(?:[:.\-h ]?(\d{2}))?", typed, re.ASCII)
        minutes = int(match[1]) * 60 + int(match[2] or 0) if match else -1
        if not match or int(match[2] or 0) > 59 or minutes > 24 * 60:
            raise ValueError(_("Type a time such as 9:30."))
        self.data = minutes

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data // 60:02}:{self.data % 60:02}"


class NumberField(StringField):
    """A number as people type it, with a point or a comma; `data` is a float or None."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = str(valuelist[0]).strip().replace(",", ".") if valuelist else ""
        self.data = None
        if not typed:
            return
        if not re.fullmatch(r"-?\d{1,6}(\.\d{1,3})?", typed, re.ASCII):
            raise ValueError(_("Type a number."))
        self.data = float(typed)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data:g}"


class WholeField(NumberField):
    """A whole number; `data` is an int or None."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None:
            if self.data != int(self.data):
                raise ValueError(_("Type a whole number."))
            self.data = int(self.data)


class TextField(StringField):
    """One line of text, blanks tidied, at most `limit` characters; `data` is never None."""

    data: Any

    def __init__(self, label: Any, limit: int, missing: Any = "", **kwargs: Any) -> None:
        """`missing`: what to say when nothing was typed, '' when nothing is fine."""
        super().__init__(label, **kwargs)
        self.limit, self.missing = limit, missing

    def process_data(self, value: Any) -> None:
        self.data = value or ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = " ".join(str(valuelist[0]).split()) if valuelist else ""

    def pre_validate(self, form: Any) -> None:
        if self.missing and not self.data:
            raise ValidationError(str(self.missing))
        if len(self.data) > self.limit:
            raise ValidationError(_("At most %(max)d characters.", max=self.limit))
