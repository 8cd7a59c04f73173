"""The head's rules for cards: extra fields, which status or stage may follow which, what each category calls for."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.clients.models import Client
from webapp.db import Model
from webapp.languages import in_reader_language


class ExtraField(Model):
    """A field of cards that the head has added (D37). `kind`: text, number, date, list or yes_no.

    `key` names it in files and in the API and never changes; `names` and `prompts` hold the words per language;
    `choices` are those of a list.
    """

    __tablename__ = "extra_field"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    prompts: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    kind: Mapped[str] = mapped_column(String(8), default="text")
    choices: Mapped[list[str]] = mapped_column(JSON, default=list)
    rank: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def name(self) -> str:
        """The name in the reader's language, else in any."""
        return in_reader_language(self.names)

    @property
    def prompt(self) -> str:
        """How to ask for it, in the reader's language, else in any; '' when nobody asks."""
        return in_reader_language(self.prompts)


class ExtraValue(Model):
    """An extra field's value on one card, as text that sorts and compares: 2026-03-10, 12.5, yes, a list's choice."""

    __tablename__ = "extra_value"
    __table_args__ = (
        Index("uq_extra_value", "client_id", "field_id", unique=True),
        Index("ix_extra_value_field_text", "field_id", "text"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"))
    field_id: Mapped[int] = mapped_column(ForeignKey("extra_field.id"))
    text: Mapped[str] = mapped_column(String(400))
    client: Mapped[Client] = relationship(back_populates="extra_values")
    field: Mapped[ExtraField] = relationship(lazy="joined")


class Transition(Model):
    """A cell of a grid that the head has set (D35): may a status or stage `before` become `after`?

    `grid`: status (keys are ids of ClientStatus, '' for none yet) or stage (keys of `deals.models.STAGES`). A cell that
    is not here follows the default: forward only, and lost from everywhere.
    """

    __tablename__ = "transition"
    __table_args__ = (Index("uq_transition", "grid", "before", "after", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    grid: Mapped[str] = mapped_column(String(8))
    before: Mapped[str] = mapped_column(String(20))
    after: Mapped[str] = mapped_column(String(20))
    allowed: Mapped[bool] = mapped_column()


class Category(Model):
    """What a category of clients (A, B or C) calls for (D36); the words per language."""

    __tablename__ = "category"

    letter: Mapped[str] = mapped_column(String(1), primary_key=True)
    meanings: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    actions: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)

    @property
    def meaning(self) -> str:
        """Who belongs to it, in the reader's language, else in any."""
        return in_reader_language(self.meanings)

    @property
    def action(self) -> str:
        """What to do with them, in the reader's language, else in any."""
        return in_reader_language(self.actions)
