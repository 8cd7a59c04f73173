"""The worker's thread for mail: a server that hangs holds up nothing but mail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError

from webapp.config import MailServer
from webapp.db import db
from webapp.mail import sending
from webapp.mail.smtp import Connection, Failed, Limits

log = structlog.get_logger()

LOOK_SECONDS = 2.0
"""Who clicks "send" waits no longer than this for the server to be asked."""
CUTS = 3
"""Connections that may break in a row before all that waits is put off: else one sick server makes all unsure."""
WRITES = 4
"""Times that it is tried to write down what became of a mail, each as long as the database waits for a lock."""


class Sender:
    """Sends what is due until it is told to stop. Without a mail server all stays queued."""

    def __init__(self, app: Flask, clock: Callable[[], datetime], limits: Limits | None = None) -> None:
        self._app, self._clock, self._limits = app, clock, limits
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the mail in hand, or leave it: its state says how far it was."""
        self._ending.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            with self._app.app_context():
                try:
                    self.round()
                except OperationalError:  # the database is busy or away: the next look does it
                    db.session.rollback()
                except Exception as error:  # one mail that can't be made must not end all mail
                    db.session.rollback()
                    log.error("a round of mail failed", error=type(error).__name__)

    def round(self) -> None:
        """Send all that is due now. Raises OperationalError when the database is busy or away."""
        server: MailServer | None = self._app.config["SETTINGS"].mail
        session = db.session()
        sending.recover(session, self._clock())
        due = sending.waiting(session, self._clock())
        session.commit()
        if server is None or not due:
            return
        connection, cuts = None, 0
        try:
            for mail_id in due:
                if self._ending.is_set():
                    return
                if connection is None or not connection.open:
                    connection = Connection(server, self._limits)
                why = self._send(connection, server, mail_id)
                cuts = 0 if connection.open else cuts + 1
                if why and cuts == CUTS:
                    raise why
        except Failed as failed:  # no mail is to blame
            log.warning("the mail server can't be used", stage=failed.stage, said=failed.code)
            why = failed
            self._write(lambda: sending.put_off(session, why, self._clock()))
        finally:
            if connection:
                connection.close()

    def _send(self, connection: Connection, server: MailServer, mail_id: int) -> Failed | None:
        """One mail; why it did not go. No transaction stays open while the server is talked to."""
        session = db.session()
        parcel = sending.claim(session, mail_id, server.sender, self._clock())
        session.commit()
        if parcel is None:
            return None

        def before_the_dot() -> bool:
            try:
                handed = sending.hand(session, parcel)
                session.commit()
            except OperationalError:
                session.rollback()
                return False
            return handed

        try:
            connection.hand_over(parcel.to_address, parcel.content, before_the_dot)
        except Failed as failed:
            log.info("a mail did not go", mail=mail_id, what=failed.what, stage=failed.stage, said=failed.code)
            why = failed
            self._write(lambda: sending.failed(session, mail_id, parcel.claimed_at, why, self._clock()))
            return failed
        log.info("a mail went", mail=mail_id)
        self._write(lambda: sending.sent(session, mail_id, parcel.claimed_at, self._clock()))
        return None

    def _write(self, verb: Callable[[], None]) -> None:
        """Let the database know, though it may be busy for a while: what became of a mail is known here alone."""
        for attempt in range(WRITES):
            try:
                verb()
                db.session.commit()
            except OperationalError:
                db.session.rollback()
                if attempt == WRITES - 1:
                    raise
            else:
                return
