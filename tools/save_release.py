"""Save a demo database of this release for the tests of later ones: `python tools/save_release.py`.

Writes tests/webapp/data/REVISION.sql.gz, a dump with no passwords that work anywhere.
"""

from __future__ import annotations

import gzip
import sqlite3
import sys
import tempfile
from pathlib import Path

import flask_migrate
from sqlalchemy import text

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from webapp import clock, config, create_app, demo  # noqa: E402
from webapp.db import db  # noqa: E402


def main() -> None:
    """Make a demo office, dump it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = config.load({"SECONDRING_DATA": folder})
        with create_app(settings).app_context():
            flask_migrate.upgrade()
            demo.load(db.session(), clock.now(), "ru", settings.timezone)
            db.session.execute(text("update user set password_hash = ''"))
            db.session.commit()
            revision = db.session.scalar(text("select version_num from alembic_version"))
            path = str(db.engine.url.database)
            db.session.remove()
            db.engine.dispose()
        connection = sqlite3.connect(path)
        dump = "\n".join(connection.iterdump())
        connection.close()
    target = ROOT / "tests" / "webapp" / "data" / f"{revision}.sql.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(dump.encode(), mtime=0))
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
