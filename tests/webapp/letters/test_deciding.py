"""A draft is edited by one at a time, goes once, and is then what it was for good (D80)."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients.changes import Changed
from webapp.letters import deciding
from webapp.letters.models import Letter
from webapp.mail import deciding as mails
from webapp.mail.models import OutgoingMail


def test_what_somebody_else_wrote_is_not_written_over(session: Session, letter: Letter, clock: Clock) -> None:
    was = letter.subject
    assert deciding.save(session, letter, "subject", was, "Windows: the offer", clock())
    with pytest.raises(Changed) as changed:
        deciding.save(session, letter, "subject", was, "Doors: the offer", clock())
    assert (changed.value.theirs, changed.value.mine) == ("Windows: the offer", "Doors: the offer")
    assert deciding.save(session, letter, "body", letter.body.replace("\n", "\r\n"), "short", clock())
    with pytest.raises(deciding.TooLong):
        deciding.save(session, letter, "body", "short", "x" * 20_001, clock())


def test_it_goes_once_and_is_kept(session: Session, letter: Letter, office: dict[str, User], clock: Clock) -> None:
    mail = deciding.send(session, letter, office["anna"], clock())
    assert mail and deciding.send(session, letter, office["anna"], clock()) is None
    session.commit()
    assert session.scalars(select(OutgoingMail.key)).all() == [f"letter:{letter.id}"]
    assert (mail.user_id, mail.reply_to, mail.body) == (office["anna"].id, "anna@northwind.example", letter.body)
    assert not deciding.save(session, letter, "subject", letter.subject, "other", clock())
    assert not deciding.skip(session, letter, "no", clock())
    assert deciding.is_genuine(letter)
    session.execute(update(OutgoingMail).values(body="forged", erased_at=clock()))  # as only erasing may
    session.expire_all()
    assert not deciding.is_genuine(letter)


def test_a_withdrawn_letter_is_taken_up_again(
    session: Session, letter: Letter, office: dict[str, User], clock: Clock
) -> None:
    mail = deciding.send(session, letter, office["anna"], clock())
    assert mail and not deciding.take_up(session, letter, clock())
    assert mails.withdraw(session, mail, clock())
    session.expire_all()
    assert deciding.take_up(session, letter, clock()) and deciding.is_draft(letter)
    again = deciding.send(session, letter, office["anna"], clock())
    assert again and again.key == f"letter:{letter.id}#2"


def test_a_letter_hangs_on_the_mail_that_was_sent_again(
    session: Session, letter: Letter, office: dict[str, User], clock: Clock
) -> None:
    mail = deciding.send(session, letter, office["anna"], clock())
    assert mail
    session.execute(update(OutgoingMail).values(state="unsure", ended_at=clock()))
    session.expire_all()
    new = mails.again(session, mail, clock())
    assert new and letter.mail_id == new.id and deciding.is_genuine(letter)
