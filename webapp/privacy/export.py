"""All that is kept of somebody as one archive: a page to read, the rows as JSON, the recordings."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from flask import render_template
from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from webapp.clients.models import CardChange
from webapp.db import db
from webapp.history.changelog import words_for
from webapp.privacy.finding import PLACES
from webapp.privacy.scope import Subject
from webapp.recordings import files
from webapp.recordings.models import Recording

LEFT_OUT = frozenset({"peaks", "levels", "normal", "path", "original", "digest"})
"""Columns that say nothing of the person: pictures of sounds, forms for comparing, names of files."""


def write(session: Session, found: Subject, target: BinaryIO, recordings: Path, now: datetime) -> dict[str, int]:
    """Write the archive to `target`; returns how many rows and files of each kind are in it."""
    tables = rows(session, found)
    counts = {name: len(its) for name, its in tables.items()}
    sounds: dict[int, str] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as pack:
        for recording in session.scalars(
            select(Recording).where(Recording.call_id.in_(found.call_ids)).order_by(Recording.id)
        ):
            path = files.find(recordings, recording.path) if recording.audible else None
            if path is not None:
                sounds[recording.id] = f"recordings/{recording.call_id}-{recording.kind}{path.suffix}"
                pack.write(path, sounds[recording.id], zipfile.ZIP_STORED)
        facts = {"about": found.title, "made_at": now.isoformat(), "tables": tables, "recordings": sounds}
        pack.writestr("data.json", json.dumps(facts, ensure_ascii=False, indent=1, default=_plain))
        lines = session.scalars(select(CardChange).where(CardChange.id.in_(found.change_ids)).order_by(CardChange.id))
        page = render_template(
            "privacy/export.html",
            subject=found,
            tables=tables,
            sounds=sounds,
            made_at=now,
            places=PLACES,
            lines=(kept := lines.all()),
            words=words_for(session, kept),
        )
        pack.writestr("index.html", page)
    if sounds:
        counts["recordings"] = len(sounds)
    return counts


def rows(session: Session, found: Subject) -> dict[str, list[dict[str, Any]]]:
    """Every row that is theirs, by table."""
    tables = db.metadata.tables
    ids = {
        "client": found.client_ids,
        "person": found.person_ids,
        "contact_point": found.point_ids,
        "deal": found.deal_ids,
        "call": found.call_ids,
        "touch": found.touch_ids,
        "task": found.task_ids,
        "card_change": found.change_ids,
        "worklist_item": found.item_ids,
        "import_row": found.row_ids,
        "letter": found.letter_ids,
        "outgoing_mail": found.mail_ids,
    }
    found_rows = {name: _read(session, tables[name], "id", its) for name, its in ids.items()}
    for name, column, its in (
        ("extra_value", "client_id", found.client_ids),
        ("recording", "call_id", found.call_ids),
        ("task_message", "task_id", found.task_ids),
        ("transfer", "call_id", found.call_ids),
        ("script_run", "touch_id", found.touch_ids),
        ("approach", "item_id", found.item_ids),
        ("merge", "survivor_id", found.client_ids),
    ):
        found_rows[name] = _read(session, tables[name], column, its)
    return {name: its for name, its in found_rows.items() if its}


def _read(session: Session, table: Table, column: str, ids: Iterable[int]) -> list[dict[str, Any]]:
    columns = [one for one in table.columns if one.name not in LEFT_OUT]
    query: Select[Any] = select(*columns).where(table.c[column].in_(list(ids))).order_by(*table.primary_key)
    return [{name: value for name, value in row.items() if value not in (None, "", [], {})}
            for row in session.execute(query).mappings()]  # fmt: skip


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
