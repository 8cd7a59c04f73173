"""The search through the base: in batches, resumable, what is new only; and what managers say of the pairs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.clients.conftest import make_card as make_card
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import cards, verdicts
from webapp.clients.changes import Author
from webapp.clients.models import Client, PairVerdict
from webapp.doubles import merging, search, undoing
from webapp.doubles.merging import Wish
from webapp.doubles.models import DoublePair
from webapp.jobs import work
from webapp.jobs.models import Job

SignIn = Callable[[str], FlaskClient]
Run = Callable[..., Job]
Staff = dict[str, User]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def run(session: Session, office: Staff, clock: Clock) -> Run:
    """`run()` asks for a search and does it to its end, or for `steps` steps."""

    def do(anew: bool = False, steps: int = 1000) -> Job:
        job = search.ask(session, office["anna"], anew, "RU", clock.move(minutes=1))
        session.commit()
        claimed = work.claim(session, clock())
        session.commit()
        assert claimed and claimed.id == job.id
        while steps and work.carry_on(session, job.id, clock.move(seconds=1)):
            steps -= 1
        return session.get_one(Job, job.id)

    return do


def found(session: Session) -> list[tuple[int, int]]:
    """The pairs, the surest first."""
    query = select(DoublePair.low_id, DoublePair.high_id).order_by(DoublePair.score.desc(), DoublePair.id)
    return [(low, high) for low, high in session.execute(query)]


@pytest.fixture
def base(make_card: Maker) -> list[Client]:
    """1 and 2 share a phone, 3 and 4 a name with one slip and a person; 5 is like nobody."""
    return [
        make_card("Рассвет", ("+7 495 123-45-67",), surname="Орлов"),
        make_card("Rassvet Ltd", ("8 (495) 123-45-67",), surname="Orlov"),
        make_card("Granitstroy", surname="Belkin", given_name="Ivan"),
        make_card("Granitstory", surname="Belkin", given_name="Ivan"),
        make_card("Zakat", ("+7 812 765-43-21",), surname="Serova"),
    ]


def test_every_pair_is_found_once_with_its_reasons(session: Session, base: list[Client], run: Run) -> None:
    job = run()
    assert (job.state, job.done, job.total) == ("done", 5, 5), job.said
    assert found(session) == [(1, 2), (3, 4)]
    best = session.scalars(select(DoublePair).order_by(DoublePair.score.desc())).first()
    assert best and best.reasons[0] == "phone" and 0.9 < best.score <= 1


def test_a_search_is_left_and_carried_on_where_it_was(
    session: Session, base: list[Client], run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BATCH", 2)
    job = run(steps=1)
    assert (job.state, job.done) == ("running", 2)
    work.stop(session, job, clock())
    assert not work.carry_on(session, job.id, clock())
    work.resume(session, job, clock())
    session.commit()
    claimed = work.claim(session, clock())
    assert claimed and claimed.facts["after"] == 2
    while work.carry_on(session, job.id, clock()):
        pass
    assert (session.get_one(Job, job.id).state, found(session)) == ("done", [(1, 2), (3, 4)])


def test_the_next_search_looks_at_what_is_new_or_changed_only(
    session: Session,
    base: list[Client],
    run: Run,
    make_card: Maker,
    clock: Clock,
    office: Staff,
) -> None:
    run()
    clock.move(hours=1)
    new = make_card("Закат", ("+7 812 765-43-21",))
    looked: list[int] = []
    drafts = search.drafts

    def note(client: Client) -> list[dict[str, str]]:
        looked.append(client.id)
        return drafts(client)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "drafts", note)
        run()
        assert looked == [new.id]
        looked.clear()
        clock.move(hours=1)
        by = Author(office["anna"], clock())
        cards.update_field(session, base[0], None, "name", "Granitstroy", by, "RU")
        session.commit()
        run()
        assert looked == [1]
        run(anew=True)
        assert len(looked) == 7
    assert (5, new.id) in found(session)


def test_a_pair_that_is_none_any_more_goes(
    session: Session, base: list[Client], run: Run, clock: Clock, office: Staff
) -> None:
    run()
    by = Author(office["anna"], clock.move(hours=1))
    cards.update_field(session, base[2], None, "name", "Bazalt", by, "RU")
    cards.update_field(session, base[2], base[2].people[0], "surname", "Kuznetsova", by, "RU")
    session.commit()
    run()
    assert found(session) == [(1, 2)]


def test_one_search_at_a_time(session: Session, base: list[Client], office: Staff, clock: Clock) -> None:
    first = search.ask(session, office["anna"], False, "RU", clock())
    assert search.ask(session, office["head"], True, "RU", clock()).id == first.id


def test_those_told_apart_are_no_pair(
    session: Session, base: list[Client], run: Run, clock: Clock, office: Staff
) -> None:
    verdicts.say(session, 2, 1, "other", Author(office["anna"], clock()))
    session.commit()
    run()
    assert found(session) == [(3, 4)]


def test_a_merge_settles_its_pairs_and_an_undo_brings_them_back(
    session: Session,
    base: list[Client],
    run: Run,
    make_card: Maker,
    office: Staff,
    clock: Clock,
) -> None:
    third = make_card("Rassvet", ("+7 495 123-45-67",))
    run()
    assert set(found(session)) == {(1, 2), (1, third.id), (2, third.id), (3, 4)}
    by = Author(office["head"], clock.move(hours=1), "merge", "same phone")
    row = merging.merge(session, 1, 2, Wish("left"), by)
    session.commit()
    assert set(found(session)) == {(1, third.id), (3, 4)}
    undoing.undo(session, row, Author(office["head"], clock.move(hours=1), "undo"))
    session.commit()
    assert set(found(session)) == {(1, 2), (1, third.id), (2, third.id), (3, 4)}


# The page


def test_the_page_shows_the_pairs_with_their_reasons(
    session: Session, sign_in: SignIn, base: list[Client], run: Run, count_queries: Callable[[], int], make_card: Maker
) -> None:
    anna = sign_in("anna")
    assert "No probable doubles" in anna.get("/doubles").get_data(as_text=True)
    run()
    anna.get("/doubles")
    before = count_queries()
    page = anna.get("/doubles").get_data(as_text=True)
    few = count_queries() - before
    assert 'href="/doubles/1/2"' in page and 'href="/doubles/3/4"' in page and "same phone" in page
    assert page.index("/doubles/1/2") < page.index("/doubles/3/4")
    for number in range(40):
        make_card(f"Firm {number} Alpha", (f"+7 495 555-{number:02}-00",))
        make_card(f"Firm {number} Beta", (f"+7 495 555-{number:02}-00",))
    run()
    anna.get("/doubles")
    before = count_queries()
    page = anna.get("/doubles").get_data(as_text=True)
    assert count_queries() - before <= few <= 10
    assert page.count("data-pair") == 25 and "page=2" in page
    last = anna.get("/doubles?page=2").get_data(as_text=True)
    assert last.count("data-pair") == len(found(session)) - 25 > 0 and "page=3" not in last
    for nonsense in ("0", "-1", "x", "99999999", "999"):
        assert anna.get(f"/doubles?page={nonsense}&show=x").status_code == 200


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_verdict_is_called_aloud_what_stands_on_it(
    sign_in: SignIn, base: list[Client], run: Run, session: Session, office: Staff, language: str
) -> None:
    office["anna"].language = language
    session.commit()
    run()
    page = sign_in("anna").get("/doubles").get_data(as_text=True)
    keys = re.findall(r'aria-label="([^"]+)">([^<]+)</(?:a|button)>', page[page.index("data-pair") :])
    assert len(keys) >= 3
    for name, shown in keys[:3]:
        assert name.startswith(f"{shown}: "), (name, shown)


@pytest.mark.parametrize(("login", "status"), [("anna", 200), ("expert", 200), ("admin", 403)])
def test_the_page_is_for_those_who_sell(sign_in: SignIn, base: list[Client], login: str, status: int) -> None:
    assert sign_in(login).get("/doubles").status_code == status
    assert sign_in(login).post("/doubles/1/2/verdict", data={"verdict": "unsure"}).status_code == status


@pytest.mark.parametrize(("login", "status"), [("anna", 303), ("agent", 303), ("secretary", 403), ("admin", 403)])
def test_who_may_start_a_search(sign_in: SignIn, session: Session, login: str, status: int) -> None:
    assert sign_in(login).post("/doubles/search").status_code == status
    assert len(session.scalars(select(Job)).all()) == (status == 303)


def test_strangers_sign_in_first(app: Flask, base: list[Client]) -> None:
    for answer in (app.test_client().get("/doubles"), app.test_client().post("/doubles/search")):
        assert "/login" in answer.headers["Location"]


def test_another_one_is_never_asked_again_and_not_sure_waits(
    sign_in: SignIn, session: Session, base: list[Client], run: Run
) -> None:
    run()
    anna = sign_in("anna")
    page = anna.post("/doubles/1/2/verdict", data={"verdict": "other"}, headers=HTMX).get_data(as_text=True)
    assert "are two clients" in page and '/doubles/1/2"' not in page and "/doubles/3/4" in page and "<html" not in page
    page = anna.post("/doubles/4/3/verdict", data={"verdict": "unsure"}, headers=HTMX).get_data(as_text=True)
    assert "wait under" in page and 'href="/doubles/3/4"' not in page
    page = anna.get("/doubles?show=unsure").get_data(as_text=True)
    assert 'href="/doubles/3/4"' in page and "Anna Petrova" in page
    run(anew=True)
    page = anna.get("/doubles").get_data(as_text=True)
    assert "No probable doubles" in page
    page = anna.post("/doubles/1/2/verdict", data={"verdict": ""}, headers=HTMX).get_data(as_text=True)
    assert 'href="/doubles/1/2"' in page, "it is taken back"
    assert session.scalars(select(PairVerdict.verdict)).all() == ["unsure"]


def test_what_was_not_sure_in_a_form_waits_here_too(
    sign_in: SignIn, session: Session, base: list[Client], clock: Clock, office: Staff
) -> None:
    verdicts.say(session, 5, 1, "unsure", Author(office["boris"], clock()))
    session.commit()
    page = sign_in("anna").get("/doubles?show=unsure").get_data(as_text=True)
    assert 'href="/doubles/1/5"' in page and "Boris Ivanov" in page


def test_a_proposal_waits_for_the_head(
    sign_in: SignIn, session: Session, base: list[Client], run: Run, office: Staff
) -> None:
    base[0].owner_id, base[1].owner_id = office["anna"].id, office["boris"].id
    session.commit()
    run()
    anna, head = sign_in("anna"), sign_in("head")
    assert "Propose to the head" in anna.get("/doubles/1/2").get_data(as_text=True)
    answer = anna.post("/doubles/1/2/verdict", data={"verdict": "same", "then": "list"}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == "/doubles"
    assert 'href="/doubles/1/2"' not in anna.get("/doubles").get_data(as_text=True)
    page = head.get("/doubles?show=same").get_data(as_text=True)
    assert 'href="/doubles/1/2"' in page and "Anna Petrova" in page
    assert head.post("/doubles/1/2", data={"survivor": "left", "why": "x"}, headers=HTMX).status_code == 204
    assert 'href="/doubles/1/2"' not in head.get("/doubles?show=same").get_data(as_text=True)


@pytest.mark.parametrize(
    ("address", "word"), [("/doubles/1/999", "other"), ("/doubles/1/2", "perhaps"), ("/doubles/1/1", "other")]
)
def test_nonsense_is_refused(sign_in: SignIn, session: Session, base: list[Client], address: str, word: str) -> None:
    assert sign_in("anna").post(f"{address}/verdict", data={"verdict": word}).status_code == 404
    assert session.scalars(select(PairVerdict)).all() == []


def test_a_card_is_not_in_the_way_of_one_with_a_slip(session: Session, make_card: Maker, clock: Clock) -> None:
    one, other = make_card("Swift Parcel Ltd"), make_card("Swift Parsel")
    search.look(session, [one.id], "RU", clock())
    pair = session.scalars(select(DoublePair)).one()
    assert (pair.low_id, pair.high_id) == (one.id, other.id)
