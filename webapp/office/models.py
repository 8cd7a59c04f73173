"""What the head of sales sets: the office itself, its lines, its lists and its price ranges."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.db import Model
from webapp.languages import in_reader_language


class Office(Model):
    """The one row of settings. Hours: minutes after midnight, office time; `workdays`: 0 is Monday."""

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


class Line(Model):
    """A number callers dial. `name` is its SIP user part; blank settings fall back to the office's."""

    __tablename__ = "line"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(120), default="")
    number: Mapped[str] = mapped_column(String(40), default="")
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"))
    script: Mapped[str] = mapped_column(String(60), default="inbound")
    language: Mapped[str] = mapped_column(String(8), default="")
    answer_on_ring: Mapped[int | None] = mapped_column()
    record: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    channel: Mapped[Channel | None] = relationship()


class PriceRange(Model):
    """What may be said when a caller insists on a price: from ... to ... (D54)."""

    __tablename__ = "price_range"

    id: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[str] = mapped_column(String(120), unique=True)
    low: Mapped[str] = mapped_column(String(40))
    high: Mapped[str] = mapped_column(String(40))
    conditions: Mapped[str] = mapped_column(String(200), default="")
