"""Cards: a client is an organisation or a private person, with people, contact points and search keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime

if TYPE_CHECKING:
    from webapp.office.models import Channel, ClientStatus, Region


class Client(Model):
    """The card (D30-D33). `kind` is 'organisation' or 'private'; the need's fields are free text, as spoken.

    `never_record`: no talk with this client is recorded.
    """

    __tablename__ = "client"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), default="organisation")
    name: Mapped[str] = mapped_column(String(200), default="", index=True)
    what_it_does: Mapped[str] = mapped_column(String(400), default="")
    website: Mapped[str] = mapped_column(String(200), default="")
    management: Mapped[str] = mapped_column(String(400), default="")
    status_id: Mapped[int | None] = mapped_column(ForeignKey("client_status.id"))
    category: Mapped[str] = mapped_column(String(1), default="")
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"))
    caller_kind: Mapped[str] = mapped_column(String(12), default="")
    reason: Mapped[str] = mapped_column(String(400), default="")
    product: Mapped[str] = mapped_column(String(200), default="")
    volume: Mapped[str] = mapped_column(String(200), default="")
    how_often: Mapped[str] = mapped_column(String(200), default="")
    order_size: Mapped[str] = mapped_column(String(200), default="")
    needed_by: Mapped[str] = mapped_column(String(200), default="")
    exact_variant: Mapped[str] = mapped_column(String(200), default="")
    delivery: Mapped[str] = mapped_column(String(200), default="")
    storage: Mapped[str] = mapped_column(String(200), default="")
    decides_alone: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    never_record: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    status: Mapped[ClientStatus | None] = relationship()
    region: Mapped[Region | None] = relationship()
    channel: Mapped[Channel | None] = relationship()
    people: Mapped[list[Person]] = relationship(
        back_populates="client", cascade="all, delete-orphan", order_by="Person.id"
    )
    contact_points: Mapped[list[ContactPoint]] = relationship(
        back_populates="client", cascade="all, delete-orphan", order_by="ContactPoint.id"
    )


class Person(Model):
    """Someone at a client (D30). `decides` says which questions are theirs (D31)."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    surname: Mapped[str] = mapped_column(String(80), default="")
    given_name: Mapped[str] = mapped_column(String(80), default="")
    patronymic: Mapped[str] = mapped_column(String(80), default="")
    position: Mapped[str] = mapped_column(String(120), default="")
    decides: Mapped[str] = mapped_column(String(200), default="")
    client: Mapped[Client] = relationship(back_populates="people")

    @property
    def full_name(self) -> str:
        """Surname, given name, patronymic: what is known of them."""
        return " ".join(part for part in (self.surname, self.given_name, self.patronymic) if part)

    @property
    def address_as(self) -> str:
        """How to speak to this person: given name and patronymic, else the surname."""
        return " ".join(part for part in (self.given_name, self.patronymic) if part) or self.surname


class ContactPoint(Model):
    """A way to reach a client or one of its people: `value` as written, `normal` for comparing.

    `kind`: phone, mobile, fax, email, site, messenger. `normal` is E.164 for a phone that could be read.
    """

    __tablename__ = "contact_point"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    value: Mapped[str] = mapped_column(String(200))
    normal: Mapped[str] = mapped_column(String(200), default="", index=True)
    preferred: Mapped[bool] = mapped_column(default=False)
    client: Mapped[Client] = relationship(back_populates="contact_points")
    person: Mapped[Person | None] = relationship()


class MatchKey(Model):
    """One search key of a card: the six keys of D29, normalised (`clients/keys.py`), and those of the search box."""

    __tablename__ = "match_key"
    __table_args__ = (Index("ix_match_key_lookup", "kind", "key", "client_id", "whole"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    key: Mapped[str] = mapped_column(String(200))
    whole: Mapped[str] = mapped_column(String(200), default="")
    """For a phone: its E.164 form, or '' when it was written without a city code. For a surname: the given name."""


class NotSame(Model):
    """A manager said: this number is not that client's. Never offered again as a certain match."""

    __tablename__ = "not_same"
    __table_args__ = (Index("uq_not_same_pair", "number", "client_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
