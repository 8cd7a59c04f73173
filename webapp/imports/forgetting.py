"""Lists nobody came back to: their files hold people's names and numbers, and go after a week."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.imports import files
from webapp.imports.models import Import


def forget(session: Session, data: Path, now: datetime) -> int:
    """Delete files that nobody has touched for `files.KEEP_FOR`, and close their lists; how many. Flushes."""
    old = files.old(data, now)
    names = {path.name.partition(".")[0] for path in old}
    for import_ in session.scalars(select(Import).where(Import.file.in_(names))):
        import_.file = ""
        if import_.state != "done":
            import_.state = "stopped"
    for path in old:
        path.unlink(missing_ok=True)
    session.flush()
    return len(names)
