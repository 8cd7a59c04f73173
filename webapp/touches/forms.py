"""The result form: purpose, outcome, next touch and the rest of a ledger row (D69-D71)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import DateTimeLocalField, Field, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import Length, Optional

from webapp.fields import id_or_none
from webapp.office.models import Channel, ListItem, Outcome, Purpose, TouchClass
from webapp.office.queries import items
from webapp.touches import officetime
from webapp.touches.approaches import MAX_REASON
from webapp.touches.models import NEXT_KINDS, Touch

NEXT_LABELS = {
    "call_back": _l("Call back"),
    "meeting_ours": _l("Meeting here"),
    "meeting_theirs": _l("Meeting at theirs"),
    "offer": _l("Send an offer"),
    "samples": _l("Send samples"),
    "order": _l("Take the order"),
    "technologist": _l("Technologist calls"),
    "letter": _l("Letter"),
}
"""The kinds of a next step in the reader's language (D70)."""

LISTS: dict[str, type[ListItem]] = {
    "purpose_id": Purpose,
    "outcome_id": Outcome,
    "channel_id": Channel,
    "class_id": TouchClass,
}
FIELDS = (*LISTS, "next_kind", "next_at", "approach_reason", "note")
TEXTS = ("next_kind", "approach_reason", "note")
MAX_NOTE = 8000


def _exists(form: ResultForm, field: Field) -> None:
    """Refuse an hour that the office's clocks skip, and a day at the calendar's ends, which UTC may not have."""
    if field.data and field.data.year in (1, 9999):
        raise ValidationError(_("That is years away; look at the date again."))
    if field.data and officetime.instant(field.data, form.zone) is None:
        raise ValidationError(_("The clocks go forward then: there is no such hour."))


class ResultForm(FlaskForm):
    """One touch's result. Every field may be sent alone: it is saved as it is typed."""

    purpose_id = SelectField(_l("Purpose"), coerce=id_or_none)
    outcome_id = SelectField(_l("Outcome"), coerce=id_or_none)
    next_kind = SelectField(_l("Next step"))
    next_at = DateTimeLocalField(
        _l("Next touch"), format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], validators=[Optional(), _exists]
    )
    approach_reason = StringField(
        _l("Why approach them once more?"), validators=[Length(max=MAX_REASON, message=_l("The reason is too long."))]
    )
    channel_id = SelectField(_l("Channel"), coerce=id_or_none)
    class_id = SelectField(_l("Kind of contact"), coerce=id_or_none)
    note = TextAreaField(_l("Note"), validators=[Length(max=MAX_NOTE, message=_l("The note is too long."))])

    def __init__(self, session: Session, touch: Touch, zone: ZoneInfo, **kwargs: Any) -> None:
        values = {name: getattr(touch, name) for name in FIELDS}
        values["next_at"] = officetime.on_the_wall(touch.next_at, zone)
        super().__init__(data=values, **kwargs)
        self.zone = zone
        for name, model in LISTS.items():
            rows = items(session, model, keep=values[name])
            self._fields[name].choices = [("", "—"), *((row.id, row.name) for row in rows)]
        self.next_kind.choices = [("", "—"), *((kind, NEXT_LABELS[kind]) for kind in NEXT_KINDS)]

    def sent(self, names: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """The valid values among the fields named in the request, and whether all of those were valid."""
        good: dict[str, Any] = {}
        fine = True
        for name in FIELDS:
            if name not in names:
                continue
            field = self._fields[name]
            if field.validate(self):
                good[name] = self._stored(name, field.data)
            else:
                fine = False
        return good, fine

    def _stored(self, name: str, value: Any) -> Any:
        if name == "next_at":
            return officetime.instant(value, self.zone) if isinstance(value, datetime) else None
        return value or ("" if name in TEXTS else None)
