"""The filters above the list of cards, as they stand in its address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import BooleanField, DateField, Field, Form, SelectField, ValidationError
from wtforms.validators import Optional

from webapp import fields
from webapp.clients import cards, listing, queries
from webapp.clients import fields as card_fields
from webapp.clients.contacts import BadValue
from webapp.fields import TextField
from webapp.office.models import Channel, ClientStatus, ClientType, ListItem, Region
from webapp.office.queries import items
from webapp.rules import extra
from webapp.rules.models import ExtraField

LISTS: dict[str, type[ListItem]] = {
    "status": ClientStatus,
    "region": Region,
    "type": ClientType,
    "channel": Channel,
}


def _chosen(value: Any) -> int | None:
    return int(value) if value not in ("", None, "None") else None


class FilterForm(Form):
    """What the list shows; everything may be left out. 0 stands for "none"."""

    q = TextField(_l("Name, person, phone or e-mail"), 200)
    status = SelectField(_l("Status"), coerce=_chosen, validators=[Optional()])
    category = SelectField(_l("Category"), validators=[Optional()])
    region = SelectField(_l("Region"), coerce=_chosen, validators=[Optional()])
    owner = SelectField(_l("Manager"), coerce=_chosen, validators=[Optional()])
    type = SelectField(_l("Type of client"), coerce=_chosen, validators=[Optional()])
    channel = SelectField(_l("Channel"), coerce=_chosen, validators=[Optional()])
    caller_kind = SelectField(_l("When they buy"), validators=[Optional()])
    created_from = DateField(_l("Made from"), validators=[Optional()])
    created_until = DateField(_l("until"), validators=[Optional()])
    idle = BooleanField(_l("No next touch"))
    sort = SelectField(choices=fields.choices((one, one) for one in listing.SORTS), default="new")
    down = BooleanField()

    def __init__(self, session: Session, formdata: Any) -> None:
        values = formdata.copy()
        values.setdefault("sort", "new")
        values["q"] = values.get("q", "")[:200]
        super().__init__(values)
        for name, model in LISTS.items():
            rows = items(session, model, keep=self[name].data)
            pairs = [("", "—"), *((row.id, row.name) for row in rows), (0, _("none"))]
            self[name].choices = fields.choices(pairs)
        owners = [(user.id, user.name) for user in queries.owners(session)]
        self.owner.choices = fields.choices([("", "—"), *owners, (0, _("nobody"))])
        self.category.choices = fields.choices([("", "—"), *((one, one) for one in cards.CATEGORIES if one)])
        kinds = [(one, words) for one, words in card_fields.CALLER_KINDS.items() if one]
        self.caller_kind.choices = fields.choices([("", "—"), *kinds])
        self.extra_fields: Sequence[ExtraField] = extra.fields(session)
        self.typed = {name: text for name, text in formdata.items() if name.startswith("x_")}
        self.extra_errors: dict[str, str] = {}
        self.wanted: list[listing.ExtraWanted] = []

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Whether everything can be read, the office's own fields included."""
        good = super().validate(*args, **kwargs)
        for one in self.extra_fields:
            read = {part: self._read(one, f"x_{one.key}{part}") for part in ("", "_from", "_to")}
            if found := listing.wanted(one, read[""], read["_from"], read["_to"]):
                self.wanted.append(found)
        return good and not self.extra_errors

    def _read(self, one: ExtraField, name: str) -> str:
        try:
            return extra.normal(one, self.typed.get(name, ""))
        except BadValue as bad:
            self.extra_errors[name] = str(bad)
            return ""

    def validate_created_until(self, field: Field) -> None:
        """A span has its days in order."""
        if field.data and self.created_from.data and field.data < self.created_from.data:
            raise ValidationError(_("The last day is before the first."))

    @property
    def narrowed(self) -> int:
        """How many filters are set, the search box not counted."""
        names = (*LISTS, "owner", "category", "caller_kind", "created_from", "created_until", "idle")
        return sum(self[name].data not in (None, "", False) for name in names) + len(self.wanted)

    @property
    def folded(self) -> int:
        """How many of the less used filters are set."""
        names = ("type", "channel", "caller_kind", "created_from", "created_until")
        return sum(self[name].data not in (None, "", False) for name in names) + len(self.wanted)

    def asked(self, zone: ZoneInfo) -> listing.Asked:
        """What the list shows; call `validate` first."""
        equal: dict[str, Any] = {}
        for name in (*LISTS, "owner"):
            if self[name].data is not None:
                equal[f"{name}_id"] = self[name].data
        for name in ("category", "caller_kind"):
            if self[name].data:
                equal[name] = self[name].data
        return listing.Asked(
            text=self.q.data,
            equal=equal,
            created_from=_midnight(self.created_from.data, zone),
            created_until=_midnight(self.created_until.data, zone, days=1),
            without_next=self.idle.data,
            extra=tuple(self.wanted),
            sort=self.sort.data,
            backwards=self.down.data,
        )

    def address(self, **changes: Any) -> dict[str, str]:
        """The query of this list; a change to None leaves something out."""
        names = ("q", *LISTS, "owner", "category", "caller_kind", "created_from", "created_until")
        query = {name: self[name].data for name in names}
        query |= {"idle": "1" if self.idle.data else "", **self.typed}
        query |= {"sort": self.sort.data if self.sort.data != "new" else "", "down": "1" if self.down.data else ""}
        query |= changes
        return {name: str(value) for name, value in query.items() if value not in (None, "")}


def _midnight(day: Any, zone: ZoneInfo, days: int = 0) -> datetime | None:
    return datetime.combine(day + timedelta(days=days), time(), zone) if day else None
