"""Alembic's environment: migrations run on the app's own engine, SQLite's by copying tables (batch mode)."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy import Connection, text

from webapp.db import UtcDateTime, db
from webapp.safekeeping import Refused, move

config = context.config


def render_item(kind: str, item: Any, autogenerate_context: AutogenContext) -> str | Literal[False]:
    """Write our time type into migrations as what the database keeps."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Run the migrations on `connection`, all in one transaction; who comes meanwhile to do the same waits."""
    if connection.dialect.name == "postgresql":  # SQLite's BEGIN lets one in alone
        connection.execute(text("set local lock_timeout = 0"))
        connection.execute(text("select pg_advisory_xact_lock(5118)"))
        if move.is_unfinished(connection) and not current_app.config.get("MOVING"):
            raise Refused("this database is filled by `./desk move-to-postgres`, which has not ended; start that again")
    options = current_app.extensions["migrate"].configure_args
    context.configure(connection=connection, target_metadata=db.metadata, render_item=render_item, **options)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations are run on a database, not printed")
with db.engine.connect() as connection:
    run(connection)
    connection.commit()
