"""The worker: what must happen by the clock though nobody clicks. `python -m webapp.worker`.

Due dates live in tables and are claimed there, so a worker killed at any moment leaves nothing half told.
"""

from __future__ import annotations

import sys

from huey import SqliteHuey, crontab
from huey.consumer import Consumer
from sqlalchemy.exc import OperationalError

from service.notify import Supervisor
from webapp import clock, config, create_app, feed, logs
from webapp.calls import control
from webapp.db import db
from webapp.tasks.overdue import tell_overdue


def make_huey(settings: config.Config) -> SqliteHuey:
    """The queue with its periodic jobs, over an app of its own."""
    app = create_app(settings)
    huey = SqliteHuey("secondring", filename=str(settings.data / "worker.sqlite"))

    @huey.periodic_task(crontab(minute="*"))
    def every_minute() -> None:
        """Tell of promises that ran out."""
        with app.app_context():
            try:
                tell_overdue(db.session(), clock.now())
                db.session.commit()
            except OperationalError:  # the database is busy or away: the next minute does it
                db.session.rollback()

    @huey.periodic_task(crontab(minute="17"))
    def every_hour() -> None:
        """Forget what every page and every bridge has long heard."""
        with app.app_context():
            feed.prune(db.session(), clock.now())
            control.prune(db.session(), clock.now())
            db.session.commit()

    return huey


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
    consumer = SupervisedConsumer(make_huey(settings), workers=1, periodic=True, check_worker_health=True)
    consumer.supervisor.ready()
    consumer.run()
    consumer.supervisor.stopping()
    return 0


if __name__ == "__main__":
    sys.exit(main())
