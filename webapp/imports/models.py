"""Lists that are taken in: the file, how its columns are read, and what became of each row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime
from webapp.jobs.models import Job


class Import(Model):
    """One list. `kind`: clients or exhibition (D16). `file` is its name in the data folder, '' once it is deleted.

    `form` says how to read it (xlsx sheet, or encoding and delimiter), `mapping` column number -> field name, `options`
    how to deal with what is found (status, channel, managers to spread over ...). `state`: mapping, preview, running,
    done, stopped or failed. `counts`: new, matched, doubtful, refused.
    """

    __tablename__ = "import"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), default="clients")
    name: Mapped[str] = mapped_column(String(200))
    file: Mapped[str] = mapped_column(String(80), default="")
    form: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    headers: Mapped[list[str]] = mapped_column(JSON, default=list)
    mapping: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(8), default="mapping")
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    job: Mapped[Job | None] = relationship()
    made_by: Mapped[User | None] = relationship()


class ImportRow(Model):
    """What became of one row: new, matched, doubtful, refused. `digest` (SHA-256) knows the same row in another list.

    `cells` and `reason` are kept for what somebody must look at: doubtful and refused rows.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        Index("uq_import_row", "import_id", "number", unique=True),
        Index("ix_import_row_state", "import_id", "state", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("import.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column()
    digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    state: Mapped[str] = mapped_column(String(8))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id", ondelete="SET NULL"), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    cells: Mapped[list[str] | None] = mapped_column(JSON)
    client: Mapped[Client | None] = relationship()


class ColumnMapping(Model):
    """How columns with these headers were read last time: offered when a list with the same headers comes again."""

    __tablename__ = "column_mapping"

    headers: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the headers in order."""
    mapping: Mapped[dict[str, str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
