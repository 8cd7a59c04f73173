"""Cards: a client is an organisation or a private person, with people, contact points and search keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime, open_rows

if TYPE_CHECKING:
    from webapp.office.models import Channel, ClientStatus, ClientType, Region
    from webapp.rules.models import ExtraValue


class Client(Model):
    """The card (D30-D33). `kind` is 'organisation' or 'private'; the need's fields are free text, as spoken.

    `never_record`: no talk with this client is recorded. A card with `merged_into_id` is no card of its own any more:
    it keeps what the merge left behind, has no keys, and its address leads to the survivor.
    """

    __tablename__ = "client"
    __table_args__ = (
        # Of merged cards alone: lists ask for all others, and would be read through it from end to end.
        open_rows("ix_client_merged_into_id", "merged_into_id", where="merged_into_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), default="organisation")
    name: Mapped[str] = mapped_column(String(200), default="", index=True)
    what_it_does: Mapped[str] = mapped_column(String(400), default="")
    website: Mapped[str] = mapped_column(String(200), default="")
    management: Mapped[str] = mapped_column(String(400), default="")
    status_id: Mapped[int | None] = mapped_column(ForeignKey("client_status.id"), index=True)
    type_id: Mapped[int | None] = mapped_column(ForeignKey("client_type.id"), index=True)
    category: Mapped[str] = mapped_column(String(1), default="", index=True)
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"), index=True)
    caller_kind: Mapped[str] = mapped_column(String(12), default="", index=True)
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
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    status: Mapped[ClientStatus | None] = relationship()
    type: Mapped[ClientType | None] = relationship()
    region: Mapped[Region | None] = relationship()
    channel: Mapped[Channel | None] = relationship()
    people: Mapped[list[Person]] = relationship(
        back_populates="client", cascade="all, delete-orphan", order_by="Person.id"
    )
    contact_points: Mapped[list[ContactPoint]] = relationship(
        back_populates="client", cascade="all, delete-orphan", order_by="ContactPoint.id"
    )
    extra_values: Mapped[list[ExtraValue]] = relationship(
        back_populates="client", cascade="all, delete-orphan", order_by="ExtraValue.field_id"
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
    """For a phone: its E.164 form, or '' when it was written without a city code. For a site: its host."""


class NotSame(Model):
    """A manager said: this number is not that client's. Never offered again as a certain match."""

    __tablename__ = "not_same"
    __table_args__ = (Index("uq_not_same_pair", "number", "client_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class NearWord(Model):
    """A word of the cards' names and what it becomes when one letter is left out: words with one slip share one.

    `kind`: company (a word of a name) or surname (its stem). Words stay when their cards go: a look-up then finds
    nothing.
    """

    __tablename__ = "near_word"

    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    variant: Mapped[str] = mapped_column(String(80), primary_key=True)
    word: Mapped[str] = mapped_column(String(80), primary_key=True)


class PairVerdict(Model):
    """What a manager said of two cards, `low_id` below `high_id`: same, other (never asked again) or unsure."""

    __tablename__ = "pair_verdict"
    __table_args__ = (
        Index("uq_pair_verdict", "low_id", "high_id", unique=True),
        CheckConstraint("low_id < high_id", name="in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    low_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    verdict: Mapped[str] = mapped_column(String(8))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class CardChange(Model):
    """One field of a card, of one of its people or of one of its deals, changed from `old` to `new` by `user_id`.

    Both are words as people read them. `source`: form, talk, import, api, quick, merge, undo, erasure ... `why` is the
    reason given for what the rules forbid (D35). Written by `clients/changes.py` alone and never changed.
    """

    __tablename__ = "card_change"
    __table_args__ = (Index("ix_card_change_client_id_at", "client_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column()
    deal_id: Mapped[int | None] = mapped_column()
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    field: Mapped[str] = mapped_column(String(60))
    old: Mapped[str] = mapped_column(Text, default="")
    new: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(String(12), default="form")
    why: Mapped[str] = mapped_column(String(400), default="")
    user: Mapped[User | None] = relationship()
