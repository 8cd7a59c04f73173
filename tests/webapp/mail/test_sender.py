"""The queue meets real servers: what arrives, what is tried again and when, and what stays for a person."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.mail.conftest import Queued
from tests.webapp.mail.servers import SENDER, Bad, Good
from webapp.accounts.models import User
from webapp.config import MailServer
from webapp.feed import Feed
from webapp.mail import queue, sender, sending
from webapp.mail.models import OutgoingMail
from webapp.mail.sender import CUTS

Rounds = Callable[[MailServer | None], None]


def states(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(select(OutgoingMail.state).order_by(OutgoingMail.id)))


def test_a_letter_arrives_with_all_that_belongs_to_it(
    queued: Queued, rounds: Rounds, session: Session, clock: Clock, office: dict[str, User]
) -> None:
    mail, digest = queued(), queued("digest:1", whose="")
    with Good() as server:
        rounds(server.settings())
        rounds(server.settings())  # nothing is left
    letter, automatic = server.box.mails
    assert (
        letter["From"].addresses[0].addr_spec == SENDER and letter["From"].addresses[0].display_name == "Anna Petrova"
    )
    assert letter["To"] == "pavel@rassvet.example" and letter["Reply-To"] == "anna@northwind.example"
    assert letter["Subject"] == "Окна: сроки" and letter["Message-ID"] == f"<{mail.message_id}>"
    assert letter["Date"].datetime == clock() and letter["Auto-Submitted"] is None
    assert letter.get_content().replace("\r\n", "\n") == "Здравствуйте, Павел.\n\n.точка\n"
    assert automatic["Auto-Submitted"] == "auto-generated"
    assert automatic["From"].addresses[0].display_name == "Northwind Windows"
    session.refresh(mail)
    assert (mail.state, mail.sent_at, mail.ended_at, mail.tries) == ("sent", clock(), clock(), 1)
    told = session.scalars(select(Feed.user_id).where(Feed.kind == "mail", Feed.ref == str(mail.id))).all()
    assert set(told) == {office["anna"].id, office["head"].id}
    assert digest.state == "sent"


def test_without_a_server_it_waits(queued: Queued, rounds: Rounds, session: Session) -> None:
    mail = queued()
    rounds(None)
    session.refresh(mail)
    assert (mail.state, mail.tries) == ("queued", 0)


def test_nothing_is_slipped_into_a_header(queued: Queued, rounds: Rounds, session: Session, clock: Clock) -> None:
    queue.put(
        session, "letter:9", "pavel@rassvet.example", "Hello\r\nBcc: all@world.example\n\nx",
        "text\r\n.\r\nMAIL FROM:<x>", clock(), reply_to="a@b.example\r\nBcc: all@world.example",
    )  # fmt: skip
    bad = queue.put(session, "letter:10", "a@b.example>\r\nRCPT TO:<all@world.example", "Hello", "text", clock())
    session.commit()
    with Good() as server:
        rounds(server.settings())
    (mail,) = server.box.mails
    assert mail["Bcc"] is None and mail["Reply-To"] is None
    assert mail["Subject"] == "Hello Bcc: all@world.example x"
    assert mail.get_content().replace("\r\n", "\n") == "text\n.\nMAIL FROM:<x>\n"
    session.refresh(bad)
    assert (bad.state, bad.last_error) == ("refused", "message: no_address")


def test_one_bad_address_does_not_hold_the_others_up(queued: Queued, rounds: Rounds, session: Session) -> None:
    addresses = ["one@a.example", "gone@a.example", "two@a.example"]
    mails = [queued(f"letter:{n}", address) for n, address in enumerate(addresses)]
    with Bad("rcpt", "refuse", 550, only="gone@a.example") as server:
        rounds(server.settings())
    assert server.kept == [mails[0].message_id, mails[2].message_id]
    assert states(session) == ["sent", "refused", "sent"]
    assert mails[1].last_error == "address: 550 no, not rcpt" and mails[1].ended_at


@pytest.mark.parametrize("at", ["greeting", "mail", "rcpt", "data", "dot"])
def test_a_server_that_says_later_is_asked_again_with_growing_pauses(
    at: str, queued: Queued, rounds: Rounds, session: Session, clock: Clock
) -> None:
    mail = queued()
    with Bad(at, "refuse", 451) as server:
        made, waits = clock(), []
        while True:
            rounds(server.settings())
            session.refresh(mail)
            if mail.state != "queued":
                break
            waits.append(int((mail.due_at - clock()).total_seconds() // 60))
            asked = server.connections
            clock.at = mail.due_at - sending.PAUSES[0] / 2
            rounds(server.settings())
            assert server.connections == asked
            clock.at = mail.due_at
            if at != "greeting" and len(waits) == 6:  # two days to the end once, for the stage at which it is cheapest
                assert (waits, server.kept) == ([1, 5, 15, 60, 60, 60], [])
                return
    assert waits[:6] == [1, 5, 15, 60, 60, 60]
    assert mail.state == "given_up" and "451" in mail.last_error
    assert sending.GIVE_UP_AFTER <= clock() - made <= sending.GIVE_UP_AFTER + sending.PAUSES[-1]
    assert server.kept == []


@pytest.mark.parametrize("what", ["hang", "vanish"])
def test_cut_after_the_dot_is_never_sent_again_by_itself(
    what: str, queued: Queued, rounds: Rounds, session: Session, clock: Clock
) -> None:
    mail = queued()
    with Bad("dot", what) as server:
        rounds(server.settings())
        for _ in range(5):
            clock.move(hours=1)
            rounds(server.settings())
    session.refresh(mail)
    assert mail.state == "unsure" and mail.last_error.startswith("answer: ") and mail.ended_at
    assert server.kept == [mail.message_id]


@pytest.mark.parametrize("what", ["hang", "vanish", "drip"])
def test_a_server_that_is_sick_after_every_dot_does_not_make_all_unsure(
    what: str, queued: Queued, rounds: Rounds, session: Session
) -> None:
    for number in range(6):
        queued(f"letter:{number}")
    with Bad("dot", what) as server:
        rounds(server.settings())
        rounds(server.settings())
    assert states(session) == ["unsure"] * CUTS + ["queued"] * (6 - CUTS)
    assert len(server.kept) == CUTS


@pytest.mark.databases("sqlite")  # what is asked here is the server
@pytest.mark.parametrize("what", ["hang", "vanish", "drip"])
@pytest.mark.parametrize("at", ["greeting", "ehlo", "mail", "rcpt", "data"])
def test_cut_before_the_dot_all_arrive_once_when_it_is_well_again(
    at: str, what: str, queued: Queued, rounds: Rounds, session: Session, clock: Clock
) -> None:
    mails = [queued(f"letter:{number}") for number in range(4)]
    with Bad(at, what, times=2) as server:
        for _ in range(6):
            rounds(server.settings())
            clock.move(hours=1)
    assert sorted(server.kept) == sorted(mail.message_id for mail in mails)
    assert states(session) == ["sent"] * 4


def test_a_server_that_is_away_is_asked_once_for_all(queued: Queued, rounds: Rounds, session: Session) -> None:
    for number in range(3):
        queued(f"letter:{number}")
    with Bad("greeting", "refuse", 554) as server:
        rounds(server.settings())
    assert server.connections == 1
    rows = session.scalars(select(OutgoingMail)).all()
    assert {(row.state, row.tries, row.last_error) for row in rows} == {("queued", 1, "connect: 554 no, not greeting")}


def test_a_surprise_ends_one_round_and_not_all_mail(app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.01)
    asked, goes_on = [], threading.Event()

    def now() -> datetime:
        asked.append(clock())
        if len(asked) == 1:
            raise KeyError("a surprise")
        goes_on.set()
        return clock()

    running = sender.Sender(app, now)
    running.start()
    try:
        assert goes_on.wait(10)
    finally:
        running.stop()
