"""Mail that goes out: a queue that is seen, tried again, and never sent twice. Its words never change (D80)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import DDL, ForeignKey, Index, String, Text, event, inspect
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime, open_rows


class OutgoingMail(Model):
    """One mail to one address. `key` is its reason to be, so that a reason makes one mail: `letter:12`,
    `digest:3:2026-03-10`.

    `state`: queued; claimed (a worker connects); handing (the server has all of it, and has not said yes yet: when
    this is where it was cut nobody knows whether it went); sent; unsure (it was cut there: a person decides); refused
    (the server said no for good); given_up (too many tries); withdrawn; replaced (sent again as another row, whose key
    ends in `#2` and so on). `due_at`: not tried before. `user_id`: whose it is, who sees it and may decide; None for
    the office's. `last_error`: a stage of `smtp.STAGES` and what was said there.

    WORDS never change (D80), which both the models and the database see to; only in a statement that sets `erased_at`
    anew, when a person is erased, may words go.
    """

    __tablename__ = "outgoing_mail"
    __table_args__ = (
        Index("ix_outgoing_mail_state", "state", "made_at"),
        Index("ix_outgoing_mail_user", "user_id", "made_at"),
        open_rows("ix_outgoing_mail_waiting", "due_at", where="ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    to_address: Mapped[str] = mapped_column(String(254))
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(300), default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When nothing more happens by itself: sent, refused, given up, withdrawn, or unsure."""
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    user: Mapped[User | None] = relationship()


WORDS = ("key", "user_id", "to_address", "reply_to", "subject", "body", "message_id", "made_at")
"""What a mail says, to whom, from whom and when: evidence from the moment it is queued."""


class Unalterable(ValueError):
    """Something tried to change the words of a mail."""


@event.listens_for(OutgoingMail, "before_update")
def _keep_words(_mapper: object, _connection: object, mail: OutgoingMail) -> None:
    state = inspect(mail)
    changed = [name for name in WORDS if state.attrs[name].history.has_changes()]
    if changed and not (mail.erased_at and state.attrs["erased_at"].history.has_changes()):
        raise Unalterable(f"mail {mail.id}: {', '.join(changed)} can't be changed")


def _guards() -> Iterator[tuple[str, str]]:
    """(dialect, statement) of the trigger that keeps the words; `0004` makes the same."""
    refuse = " OR ".join(f"NEW.{name} {{other}} OLD.{name}" for name in WORDS)
    erased = "(NEW.erased_at IS NULL OR NOT (NEW.erased_at {other} OLD.erased_at))"
    condition = f"({refuse}) AND {erased}"
    columns = ", ".join(WORDS)
    yield (
        "sqlite",
        f"CREATE TRIGGER outgoing_mail_words BEFORE UPDATE OF {columns} ON outgoing_mail "
        f"WHEN {condition.format(other='IS NOT')} BEGIN SELECT RAISE(ABORT, 'the words of a mail never change'); END",
    )
    yield (
        "postgresql",
        "CREATE FUNCTION outgoing_mail_words() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the words of a mail never change'; END $$",
    )
    yield (
        "postgresql",
        f"CREATE TRIGGER outgoing_mail_words BEFORE UPDATE OF {columns} ON outgoing_mail FOR EACH ROW "
        f"WHEN ({condition.format(other='IS DISTINCT FROM')}) EXECUTE FUNCTION outgoing_mail_words()",
    )


for _dialect, _statement in _guards():
    event.listen(OutgoingMail.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
