"""What the head of sales sets: the office itself, its lines, its lists and its price ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, Dialect, ForeignKey, Index, String, Text, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.calls.routing import ORDER
from webapp.db import Model
from webapp.languages import in_reader_language

LONGEST_STEP = 120
"""Seconds a step of a line's hunt may ring."""
MENU_KEYS = "0123456789*#"
"""The keys of a telephone that a menu may name."""


class Office(Model):
    """The one row of settings. Hours: minutes after midnight, office time; `workdays`: 0 is Monday.

    `pause_keys` pause and resume a recording on the manager's telephone; `ladder_days` is how long the SIP messages of
    a call are kept, 0 for not at all. `wrap_up_seconds`: how long a manager rests from calls after a talk, to write it
    down. `longest_promise_minutes`: no caller is promised a call later than this. A missed call nobody rang back is
    told to the backups after `missed_backup_minutes` and to the head after `missed_head_minutes`. `max_approaches`
    without a result need a reason to go on (D74). `requisites` and `signature` close a result letter (D73). `currency`
    is what deals are counted in, '' for that of the country.
    """

    __tablename__ = "office"

    id: Mapped[int] = mapped_column(primary_key=True)
    company: Mapped[str] = mapped_column(String(120))
    what_we_do: Mapped[str] = mapped_column(String(200), default="")
    greeting_phrase: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(8), default="ru")
    answer_on_ring: Mapped[int] = mapped_column(default=2)
    ring_seconds: Mapped[float] = mapped_column(default=5.0)
    step_seconds: Mapped[float] = mapped_column(default=20.0)
    promise_minutes: Mapped[int] = mapped_column(default=10)
    opens: Mapped[int] = mapped_column(default=9 * 60)
    closes: Mapped[int] = mapped_column(default=18 * 60)
    workdays: Mapped[list[int]] = mapped_column(JSON, default=lambda: [0, 1, 2, 3, 4])
    show_attitude: Mapped[bool] = mapped_column(default=True)
    conversion_counts: Mapped[str] = mapped_column(String(12), default="meeting")
    pause_keys: Mapped[str] = mapped_column(String(4), default="*5")
    ladder_days: Mapped[int] = mapped_column(default=14)
    currency: Mapped[str] = mapped_column(String(3), default="")
    wrap_up_seconds: Mapped[int] = mapped_column(default=60)
    longest_promise_minutes: Mapped[int] = mapped_column(default=240)
    missed_backup_minutes: Mapped[int] = mapped_column(default=5)
    missed_head_minutes: Mapped[int] = mapped_column(default=15)
    max_approaches: Mapped[int] = mapped_column(default=4)
    requisites: Mapped[str] = mapped_column(Text, default="")
    signature: Mapped[str] = mapped_column(Text, default="")
    is_demo: Mapped[bool] = mapped_column(default=False)


class ListItem:
    """One item of a list the head edits. `names` holds the text per language, in which any may be missing."""

    id: Mapped[int] = mapped_column(primary_key=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    rank: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def name(self) -> str:
        """The name in the reader's language, else in any."""
        return in_reader_language(self.names)


class Channel(ListItem, Model):
    """Where clients hear of us (D9)."""

    __tablename__ = "channel"


class Purpose(ListItem, Model):
    """Why a client got in touch (D69). `key` lets a script suggest it, '' for the head's own."""

    __tablename__ = "purpose"

    key: Mapped[str] = mapped_column(String(40), default="")


class Outcome(ListItem, Model):
    """How a touch ended (D69). `closes`: no next touch is owed. `counts_as`: '', 'meeting' or 'sale' (D88)."""

    __tablename__ = "outcome"

    key: Mapped[str] = mapped_column(String(40), default="")
    closes: Mapped[bool] = mapped_column(default=False)
    counts_as: Mapped[str] = mapped_column(String(12), default="")


class TouchClass(ListItem, Model):
    """What kind of contact it was: question, interest, complaint, order ... (D71)."""

    __tablename__ = "touch_class"


class ClientStatus(ListItem, Model):
    """Where a client stands with us (D35); `rank` orders them from first contact upwards."""

    __tablename__ = "client_status"


class Region(ListItem, Model):
    """A part of the country with a manager of its own (D11)."""

    __tablename__ = "region"


class ClientType(ListItem, Model):
    """What kind of firm or person a client is. `forbidden`: no deal goes on with one until management agrees (D82)."""

    __tablename__ = "client_type"

    forbidden: Mapped[bool] = mapped_column(default=False)


class PaymentScheme(ListItem, Model):
    """How a deal is paid. `forbidden`: the deal is held until management agrees (D82)."""

    __tablename__ = "payment_scheme"

    forbidden: Mapped[bool] = mapped_column(default=False)


class FreeMail(Model):
    """The domain of a public mail service: an address there says nothing about the firm (D29, key 5)."""

    __tablename__ = "free_mail"

    domain: Mapped[str] = mapped_column(String(120), primary_key=True)


class _Tidied(TypeDecorator[Any]):
    """What a line keeps as JSON. What is none is read as far as it makes sense: a call that rings can't wait for its
    repair."""

    impl = JSON
    cache_ok = True

    def __init__(self, tidy: Callable[[Any], Any]) -> None:
        super().__init__()
        self.tidy = tidy

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """The function that reads what the database holds."""
        inner = self.impl_instance.result_processor(dialect, coltype)

        def read(value: Any) -> Any:
            try:
                found = inner(value) if inner else value
            except (ValueError, RecursionError):
                found = None
            return self.tidy(found)

        return read


def _tidy_menu(value: Any) -> dict[str, Any]:
    menu: dict[str, Any] = {}
    if isinstance(value, dict):
        if isinstance(value.get("sound"), str):
            menu["sound"] = value["sound"]
        if isinstance(value.get("choices"), list):
            menu["choices"] = [choice for one in value["choices"] if (choice := _tidy_choice(one))][: len(MENU_KEYS)]
    return menu


def _tidy_choice(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict) or value.get("digit") not in tuple(MENU_KEYS):
        return None
    title, people = value.get("title"), value.get("user_ids")
    ids = people if isinstance(people, list) else []
    return {
        "digit": value["digit"],
        "title": title if isinstance(title, str) else "",
        "user_ids": [user_id for user_id in ids if type(user_id) is int and 0 < user_id < 2**31],
    }


def _tidy_hunt(value: Any) -> list[dict[str, Any]]:
    """Each step once, of those there are, with seconds that a telephone can ring, else None: as long as the line's."""
    steps: dict[str, dict[str, Any]] = {}
    for one in value if isinstance(value, list) else []:
        if not isinstance(one, dict):
            continue
        who, seconds = one.get("who"), one.get("seconds")
        if who in tuple(ORDER) and who not in steps:
            good = isinstance(seconds, (int, float)) and 0 < seconds <= LONGEST_STEP
            steps[who] = {"who": who, "seconds": float(seconds or 0) if good else None}
    return list(steps.values())


class Line(Model):
    """A number callers dial. `name` is its SIP user part; blank settings fall back to the office's.

    `mode`: bridge, watch or redirect (`sipbridge.events.Mode`). `greeting` is a sound of the line's own, '' for the
    office's. `record_notice`: both are told before a talk is recorded. `message_seconds`: how long a voice message may
    be, 0 for none. `menu`: {"sound", "choices": [{"digit", "title", "user_ids"}]}; without a sound or without choices
    there is none. `hunt`: [{"who", "seconds"}], whom to ring in which order and how long (`calls/routing.py`), [] for
    the usual order. `spread`: those on duty are rung together, one by one in the roster's order, or evenly (who had
    fewest calls today first). `keep_recordings_days`: older recordings are deleted, None keeps them. `people` are rung
    instead of those on duty, by rank.
    """

    __tablename__ = "line"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(120), default="")
    number: Mapped[str] = mapped_column(String(40), default="")
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"))
    script: Mapped[str] = mapped_column(String(60), default="inbound")
    language: Mapped[str] = mapped_column(String(8), default="")
    answer_on_ring: Mapped[int | None] = mapped_column()
    ring_seconds: Mapped[float | None] = mapped_column()
    step_seconds: Mapped[float | None] = mapped_column()
    mode: Mapped[str] = mapped_column(String(10), default="bridge")
    greeting: Mapped[str] = mapped_column(String(80), default="")
    record: Mapped[bool] = mapped_column(default=True)
    record_notice: Mapped[bool] = mapped_column(default=False)
    message_seconds: Mapped[int] = mapped_column(default=120)
    menu: Mapped[dict[str, Any]] = mapped_column(_Tidied(_tidy_menu), default=dict)
    hunt: Mapped[list[dict[str, Any]]] = mapped_column(_Tidied(_tidy_hunt), default=list)
    spread: Mapped[str] = mapped_column(String(10), default="together")
    keep_recordings_days: Mapped[int | None] = mapped_column()
    active: Mapped[bool] = mapped_column(default=True)
    channel: Mapped[Channel | None] = relationship()
    people: Mapped[list[LinePerson]] = relationship(
        cascade="all, delete-orphan", order_by="LinePerson.rank, LinePerson.id"
    )


class LinePerson(Model):
    """Somebody who takes a line's calls; those of one `rank` are rung together, lower ranks first."""

    __tablename__ = "line_person"
    __table_args__ = (Index("uq_line_person", "line_id", "user_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("line.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    rank: Mapped[int] = mapped_column(default=0)
    user: Mapped[User] = relationship()


class DialRule(Model):
    """Whom a role may call or pass a caller to outside the office: numbers that match `pattern`. No rule, no call.

    `pattern`: a number in E.164 in which `x` is any digit and a last `*` any further digits, e.g. `+7495xxxxxxx`.
    """

    __tablename__ = "dial_rule"
    __table_args__ = (Index("uq_dial_rule", "role", "pattern", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(12))
    pattern: Mapped[str] = mapped_column(String(24))


class PriceRange(Model):
    """What may be said when a caller insists on a price: from ... to ... (D54)."""

    __tablename__ = "price_range"

    id: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[str] = mapped_column(String(120), unique=True)
    low: Mapped[str] = mapped_column(String(40))
    high: Mapped[str] = mapped_column(String(40))
    conditions: Mapped[str] = mapped_column(String(200), default="")
