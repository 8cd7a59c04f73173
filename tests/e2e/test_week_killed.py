"""The web process killed again and again in the middle of a week: the bridge's outbox brings everything once."""

from __future__ import annotations

import random
import threading
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import flask_migrate

from tests.e2e.installation import Installation
from tests.webapp.week import serve, sums
from tests.webapp.week.bridge import Answer, Ask
from tests.webapp.week.week import Week
from webapp.db import db

MONDAY = date(2026, 10, 19)


class Dying:
    """Asks a web process that is killed while some of its posts are under way, and stays dead for a few more."""

    def __init__(self, installation: Installation, ask: Ask, every: int) -> None:
        self.installation, self.ask, self.every = installation, ask, every
        self.posts = self.kills = self.in_vain = self.cut = 0
        self.dice = random.Random(7)

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        self.posts += 1
        if "web" not in self.installation.processes:
            self.in_vain += 1
            if self.in_vain % 4:
                raise ConnectionError("the web is away")
            self.installation.start("web", "tests.webapp.week.serve")
        if self.posts % self.every or not body or not body["events"]:
            return self.ask(method, path, body)
        killing = threading.Timer(self.dice.choice((0.0, 0.004, 0.008, 0.016)), self.installation.kill, ["web"])
        killing.start()
        try:
            return self.ask(method, path, body)
        except OSError:
            self.cut += 1
            raise
        finally:
            killing.join()
            self.kills += 1


def test_a_week_adds_up_though_the_web_is_killed_in_it(tmp_path: Path) -> None:
    installation = Installation(tmp_path, SECONDRING_TIMEZONE="Europe/Berlin")
    app, clock = installation.app(), serve.Told()
    app.config["CLOCK"] = clock
    with app.app_context():
        flask_migrate.upgrade()
        db.session.remove()
        db.engine.dispose()
    try:
        installation.start("web", "tests.webapp.week.serve")
        with closing(serve.Door(installation.web_port, tmp_path / "var", clock)) as door:
            ask = Dying(installation, door, every=25)
            week = Week(app, ask, clock, 30, MONDAY, every=timedelta(hours=1))
            week.run()
            while week.bridge.outbox:
                week.bridge.deliver()
        with week.desk() as session:
            assert sums.differences(sums.by_the_book(week), sums.by_the_desk(session, week)) == []
        assert week.wrong_plans == []
        assert ask.kills >= 4 and ask.cut >= 2, (ask.kills, ask.cut)
    finally:
        installation.close()
