"""The worker: what must happen by the clock though nobody clicks. `python -m webapp.worker`.

Due dates live in tables and are claimed there, so a worker killed at any moment leaves nothing half told.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from huey import SqliteHuey, crontab
from huey.consumer import Consumer
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service.notify import Supervisor
from webapp import clock, config, create_app, feed, logs
from webapp.bridge_api import forgetting
from webapp.calls import control, outbound
from webapp.db import db
from webapp.doubles import strays
from webapp.exports import work as exports
from webapp.imports import forgetting as import_files
from webapp.jobs.runner import Runner
from webapp.mail.sender import Sender
from webapp.missed import escalation
from webapp.office.models import Office
from webapp.recordings import keeping, store
from webapp.roster import gaps_told, patterns, swaps
from webapp.tasks import chasing, digest, reminding
from webapp.tasks.overdue import tell_overdue
from webapp.telephones import ladder

log = structlog.get_logger()

ROUND = timedelta(seconds=50)
DUTIES: dict[str, Callable[[Session, datetime, ZoneInfo], object]] = {
    "promises": lambda session, now, _zone: tell_overdue(session, now),
    "messages": chasing.chase,
    "digests": digest.send,
    "missed calls": lambda session, now, _zone: escalation.tell(session, now),
    "lost calls of ours": lambda session, now, _zone: outbound.end_lost(session, now),
    "merged cards": lambda session, now, _zone: strays.gather(session, now),
    "shift patterns": patterns.lay_all,
    "gaps": gaps_told.tell,
    "swaps": lambda session, now, _zone: swaps.void_changed(session, now),
}
"""What is looked after every minute."""


def make_huey(settings: config.Config) -> SqliteHuey:
    """The queue with its periodic jobs, over an app of its own."""
    app = create_app(settings)
    huey = SqliteHuey("secondring", filename=str(settings.data / "worker.sqlite"))

    @huey.periodic_task(crontab(minute="*"))
    def every_minute() -> None:
        """Tell of promises run out and messages nobody reads, mail digests, end calls no bridge carried on with, gather
        what a merge missed and lay shifts.
        """
        with app.app_context():
            do_duties(db.session(), clock.now(), settings.timezone)

    @huey.periodic_task(crontab(minute="*"))
    def recordings() -> None:
        """Delete recordings that are due, then store what is finished; the rest waits for the next minute."""
        if not at_recordings.acquire(blocking=False):
            return  # the last minute's is at a long one still
        try:
            with app.app_context():
                keep_recordings(settings.recordings)
        finally:
            at_recordings.release()

    @huey.periodic_task(crontab(minute="*"))
    def reminders() -> None:
        """Remind everybody of what is due, a few at a time, so that nobody waits long for the database."""
        with app.app_context():
            remind_all()

    at_recordings = threading.Lock()

    @huey.periodic_task(crontab(minute="17"))
    def every_hour() -> None:
        """Forget what every page and every bridge has long heard, and old ladders."""
        with app.app_context():
            forget_old(settings.data)

    return huey


def do_duties(session: Session, now: datetime, zone: ZoneInfo) -> None:
    """Do all DUTIES, each in a transaction of its own: nobody waits for the database longer than one of them takes, and
    one that fails keeps no other from being done.
    """
    for name, duty in DUTIES.items():
        try:
            duty(session, now, zone)
            session.commit()
        except OperationalError:  # the database is busy or away: the next minute does it
            session.rollback()
        except Exception as error:  # its words are left out: a database's may quote a row
            session.rollback()
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.error("a duty failed", duty=name, error=type(error).__name__, at=f"{where.filename}:{where.lineno}")


def remind_all() -> None:
    """Claim and announce reminders until none is due; each part is a transaction of its own."""
    began = clock.now()
    try:
        while reminding.remind(db.session(), clock.now()) and clock.now() - began < ROUND:
            db.session.commit()
        db.session.commit()
    except OperationalError:  # the next minute does it
        db.session.rollback()


def forget_old(data: Path) -> None:
    """Forget what is of no use any more: announcements, commands, events that took effect, ladders."""
    began, session = clock.now(), db.session()
    try:
        feed.prune(session, began)
        control.prune(session, began)
        exports.forget(session, began)
        import_files.forget(session, data, began)
        days = session.scalar(select(Office.ladder_days))
        session.commit()
        forgetting.prune(session, began, lambda: clock.now() - began < ROUND)
    except OperationalError:  # the next hour does it
        session.rollback()
        return
    if days is not None:
        ladder.forget(data / "ladders", days, began)


def keep_recordings(folder: Path) -> None:
    """One round of a minute, with the rest of its last recording."""
    began = clock.now()

    def more() -> bool:
        return clock.now() - began < ROUND

    try:
        keeping.delete_due(db.session(), folder, began, more)
        store.store_all(db.session(), folder, began, more)
    except OperationalError:  # the next minute does it
        db.session.rollback()


class SupervisedConsumer(Consumer):
    """Tells whoever supervises the process that it goes round; huey itself replaces its threads that died."""

    supervisor = Supervisor()

    def loop(self, health_check_ts: float | None = None) -> float | None:
        """One turn, ten a second."""
        self.supervisor.alive()
        return super().loop(health_check_ts)


def main() -> int:
    """Work until told to stop. Exit code 2 for a setting that can't be used."""
    logs.configure("worker")
    try:
        settings = config.load()
    except config.ConfigError as error:
        print(f"secondring: {error}", file=sys.stderr)
        return 2
    os.nice(10)  # a recording can wait, a call can't
    consumer = SupervisedConsumer(make_huey(settings), workers=2, periodic=True, check_worker_health=True)
    runner, sender = Runner(create_app(settings), clock.now), Sender(create_app(settings), clock.now)
    runner.start()
    sender.start()
    consumer.supervisor.ready()
    consumer.run()
    consumer.supervisor.stopping()
    sender.stop()
    runner.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
