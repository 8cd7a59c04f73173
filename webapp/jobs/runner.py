"""The thread of the worker that does long work, one job at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from flask import Flask
from sqlalchemy.exc import OperationalError

from webapp.db import db
from webapp.jobs import work

LOOK_SECONDS = 1.0
BREATH_SECONDS = 0.02
"""Between two batches: whoever waits to write, above all a call that rings, comes first."""


class Runner:
    """Looks for jobs until it is told to stop; a job under way is left after its batch and carried on next time."""

    def __init__(self, app: Flask, clock: Callable[[], datetime]) -> None:
        self._app, self._clock = app, clock
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._ending.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            with self._app.app_context():
                try:
                    self.work()
                except OperationalError:  # the database is busy or away: the next look does it
                    db.session.rollback()

    def work(self) -> None:
        """Do the jobs that wait, to their ends. Raises OperationalError when the database is busy or away."""
        while not self._ending.is_set():
            job = work.claim(db.session(), self._clock())
            db.session.commit()
            if job is None:
                return
            job_id = job.id
            while work.carry_on(db.session(), job_id, self._clock()):
                db.session.remove()
                if self._ending.wait(BREATH_SECONDS):
                    return
