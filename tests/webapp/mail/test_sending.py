"""States of a mail: one claim, and what becomes of it when its worker dies or is held up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.mail.conftest import Queued
from webapp.mail import sending
from webapp.mail.smtp import Failed

FROM = "desk@northwind.example"
LATE = sending.LOST_AFTER + timedelta(seconds=1)


def test_a_mail_is_claimed_once(queued: Queued, session: Session, clock: Clock) -> None:
    mail = queued()
    assert sending.claim(session, mail.id, FROM, clock())
    assert sending.claim(session, mail.id, FROM, clock()) is None
    assert sending.waiting(session, clock()) == []


def test_a_worker_that_died_before_handing_over_is_followed(queued: Queued, session: Session, clock: Clock) -> None:
    mail = queued()
    dead = sending.claim(session, mail.id, FROM, clock())
    clock.move(minutes=1)
    sending.recover(session, clock())
    assert sending.waiting(session, clock()) == []
    clock.at += LATE
    sending.recover(session, clock())
    assert sending.waiting(session, clock()) == [mail.id]
    follower = sending.claim(session, mail.id, FROM, clock())
    # It was not dead but held up, and finds out before it hands the mail over.
    assert dead and follower and not sending.hand(session, dead) and sending.hand(session, follower)


def test_a_worker_that_died_while_handing_over_leaves_it_unsure(queued: Queued, session: Session, clock: Clock) -> None:
    mail = queued()
    parcel = sending.claim(session, mail.id, FROM, clock())
    assert parcel and sending.hand(session, parcel)
    clock.at += LATE
    sending.recover(session, clock())
    session.refresh(mail)
    assert (mail.state, mail.last_error, mail.ended_at) == ("unsure", "answer: stopped", clock())
    assert sending.waiting(session, clock() + timedelta(days=3)) == []
    sending.sent(session, mail.id, parcel.claimed_at, clock())  # it was only slow, and the server said yes
    session.refresh(mail)
    assert mail.state == "sent"


@pytest.mark.parametrize(("tries", "minutes"), [(0, 1), (1, 1), (2, 5), (3, 15), (4, 60), (5, 60), (60, 60)])
def test_pauses_grow(tries: int, minutes: int) -> None:
    assert sending.pause(tries) == timedelta(minutes=minutes)


def test_what_is_over_stays_over(queued: Queued, session: Session, clock: Clock) -> None:
    mail = queued()
    sending.claim(session, mail.id, FROM, clock())
    sending.failed(session, mail.id, clock(), Failed("refused", "address", "550 unknown"), clock())
    sending.failed(session, mail.id, clock(), Failed("later", "address", "451 later"), clock())
    sending.sent(session, mail.id, clock(), clock())
    session.refresh(mail)
    assert (mail.state, mail.last_error) == ("refused", "address: 550 unknown")


def test_a_worker_that_was_held_up_leaves_the_mail_to_its_follower(
    queued: Queued, session: Session, clock: Clock
) -> None:
    mail = queued()
    late = sending.claim(session, mail.id, FROM, clock())
    clock.at += LATE
    sending.recover(session, clock())
    follower = sending.claim(session, mail.id, FROM, clock())
    assert late and follower and sending.hand(session, follower)
    assert not sending.hand(session, late)
    for what in ("later", "refused", "unsure"):
        sending.failed(session, mail.id, late.claimed_at, Failed(what, "text", "cut"), clock())
    sending.sent(session, mail.id, late.claimed_at, clock())
    session.refresh(mail)
    assert mail.state == "handing"
    sending.sent(session, mail.id, follower.claimed_at, clock())
    session.refresh(mail)
    assert mail.state == "sent"
