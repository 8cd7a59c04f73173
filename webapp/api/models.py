"""Programs that use the JSON API: their tokens, and what a request that may be repeated has made."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime


class ApiToken(Model):
    """A program's way in, acting as `user`. Only the SHA-256 of the token is kept; it is shown once."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    may_write: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    user: Mapped[User] = relationship(foreign_keys=[user_id])


class ApiMade(Model):
    """What a request with an Idempotency-Key has made: the same request again is answered with it, and makes nothing.

    `digest` is the SHA-256 of the request; `what` and `row_id` say which row it was: client or touch.
    """

    __tablename__ = "api_made"
    __table_args__ = (Index("uq_api_made_key", "token_id", "key", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))
    what: Mapped[str] = mapped_column(String(8), default="")
    row_id: Mapped[int | None] = mapped_column()
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
