"""The demo office: complete enough to work in, without a gap in its roster, and nobody real in it."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp import demo
from webapp.accounts import passwords
from webapp.accounts.models import Role, User
from webapp.calls.models import Call
from webapp.clients.models import Client, ContactPoint
from webapp.demo import phones
from webapp.doubles.models import DoublePair
from webapp.office import dialling
from webapp.office.models import Line, Office, PriceRange
from webapp.roster.models import Shift
from webapp.tasks.models import Task
from webapp.touches.models import Touch

ZONE = ZoneInfo("Europe/Berlin")  # its clocks change on 29 March 2026, within the roster's three weeks
INVENTED = re.compile(
    r"\+(7(495|812|343|944)000|380(44|48|57)000|30(210000|231000)|357(22|25)00|44(2079460|1134960|7700900)"
    r"|1(212|312|415)55501)\d{2,4}"
)


pytestmark = pytest.mark.databases("sqlite")  # making the office takes seconds
both_languages = pytest.mark.parametrize("language", ["ru", "en"])


@pytest.fixture
def language() -> str:
    return "ru"


@pytest.fixture
def passwords_made(language: str, session: Session, clock: Clock) -> dict[str, str]:
    made = demo.load(session, clock(), language, ZONE)
    session.commit()
    return made


@pytest.mark.databases("sqlite", "postgresql")
def test_the_people_can_sign_in(passwords_made: dict[str, str], session: Session, clock: Clock) -> None:
    roles = Counter(user.role for user in session.scalars(select(User)))
    assert roles == {Role.HEAD: 1, Role.MANAGER: 3, Role.SECRETARY: 1, Role.AGENT: 1, Role.ADMIN: 1}
    assert len(set(passwords_made.values())) == len(passwords_made) == 7
    for login, password in passwords_made.items():
        assert passwords.check(session, login, password, "127.0.0.1", clock())
    with_phone = {user.login for user in session.scalars(select(User).where(User.desk_phone))}
    assert with_phone == {"helen", "anna", "mark", "vera", "denis"}
    assert not session.scalars(select(User).where(User.extension != "")).all()


@both_languages
def test_the_office_says_what_it_is(passwords_made: dict[str, str], session: Session) -> None:
    office = session.get_one(Office, 1)
    assert office.is_demo
    assert office.company and office.what_we_do and office.greeting_phrase
    channels = {line.name: line.channel.names["en"] for line in session.scalars(select(Line)) if line.channel}
    assert channels == {"desk": "Recommendation", "site": "Website", "ads": "Search advertising"}
    assert session.scalar(select(func.count()).select_from(PriceRange)) >= 5


def test_every_hour_is_covered_twice(passwords_made: dict[str, str], session: Session, clock: Clock) -> None:
    shifts = session.scalars(select(Shift).where(Shift.region_id.is_(None))).all()
    at = clock() - timedelta(days=7)
    while at < clock() + timedelta(days=21):
        here = {shift.rank: shift.user_id for shift in shifts if shift.starts_at <= at < shift.ends_at}
        assert set(here) == {0, 1}, f"nobody at {at}"
        assert here[0] != here[1]
        at += timedelta(minutes=30)
    for user_id in {shift.user_id for shift in shifts}:
        own = sorted((s for s in shifts if s.user_id == user_id), key=lambda shift: shift.starts_at)
        assert all(a.ends_at <= b.starts_at for a, b in itertools.pairwise(own)), "in two places at once"


@both_languages
def test_cards_are_many_and_varied(passwords_made: dict[str, str], session: Session) -> None:
    clients = session.scalars(select(Client)).all()
    assert len(clients) == 202
    assert {client.kind for client in clients} == {"organisation", "private"}
    text = "".join(client.name for client in clients)
    for alphabet in ("[а-я]", "[іїєґ]", "[α-ω]", "[a-z]"):
        assert len(re.findall(alphabet, text)) > 10, alphabet
    for name in ("owner_id", "status_id", "category", "region_id", "channel_id"):
        assert len({getattr(client, name) for client in clients}) >= 4, name
    assert any(person.patronymic for client in clients for person in client.people)
    assert len({client.name for client in clients}) == 202


def test_two_clients_share_a_phone(passwords_made: dict[str, str], session: Session) -> None:
    points = session.scalars(select(ContactPoint).where(ContactPoint.kind.in_(("phone", "mobile")))).all()
    owners: dict[str, set[int]] = {}
    for point in points:
        owners.setdefault(re.sub(r"\D", "", point.value)[-7:], set()).add(point.client_id)
    assert sorted(len(ids) for ids in owners.values() if len(ids) > 1) == [2]


@both_languages
def test_nobody_real_can_be_rung(passwords_made: dict[str, str], session: Session) -> None:
    for number in session.scalars(select(Call.number).where(Call.number != "")):
        assert INVENTED.fullmatch(number), number
    for point in session.scalars(select(ContactPoint)):
        if point.kind in ("phone", "mobile", "fax"):
            assert point.normal, point.value
            if point.normal.startswith("+"):
                assert INVENTED.fullmatch(point.normal), (point.value, point.normal)
            else:
                assert re.fullmatch(r"000\d{4}", point.normal), "written without the city's code"
        elif point.kind == "email":
            assert point.value.endswith(".example")


@both_languages
def test_its_own_numbers_can_be_rung_back_and_no_others(passwords_made: dict[str, str], session: Session) -> None:
    numbers = session.scalars(select(ContactPoint.normal).where(ContactPoint.kind == "phone")).all()
    for role in (Role.HEAD, Role.MANAGER):
        allowed = dialling.of_role(session, role.value)
        assert [number for number in numbers if INVENTED.fullmatch(number) and allowed.why_not(number)] == []
        assert allowed.why_not("+74951234567") and allowed.why_not("+12125551234")
    for pattern in phones.DIAL_RULES:
        assert dialling.tidy(pattern) == pattern


def test_there_is_a_past_and_something_to_do(passwords_made: dict[str, str], session: Session, clock: Clock) -> None:
    now = clock()
    waiting = session.scalars(
        select(Call).where(Call.state == "ended", Call.answered_at.is_(None), Call.missed_closed_at.is_(None))
    ).all()
    assert 3 <= len(waiting) <= 5
    assert all(now - timedelta(hours=4) < call.offered_at < now for call in waiting)
    assert any(call.number == "" for call in waiting), "one caller hid the number"
    open_tasks = session.scalars(select(Task).where(Task.done_at.is_(None))).all()
    assert any(task.due_at < now for task in open_tasks)
    assert any(now < task.due_at < now + timedelta(hours=4) for task in open_tasks)
    for login in ("anna", "mark", "vera"):
        user = session.scalars(select(User).where(User.login == login)).one()
        today = session.scalars(
            select(Touch).where(Touch.user_id == user.id, Touch.started_at > now - timedelta(hours=12))
        ).all()
        assert len(today) >= 6
        assert any(touch.closed_at is None for touch in today), "a row to finish"
    for touch in session.scalars(select(Touch).where(Touch.closed_at.is_not(None))):
        assert touch.started_at < touch.closed_at
        assert touch.outcome is not None and (touch.outcome.closes or touch.next_at is not None)


def test_two_runs_give_the_same_office(session: Session, clock: Clock) -> None:
    demo.load(session, clock(), "ru", ZONE)
    first = [(client.name, [point.value for point in client.contact_points]) for client in _clients(session)]
    calls = session.scalars(select(Call.call_id).order_by(Call.id)).all()
    session.rollback()
    demo.load(session, clock(), "ru", ZONE)
    assert [(client.name, [point.value for point in client.contact_points]) for client in _clients(session)] == first
    assert session.scalars(select(Call.call_id).order_by(Call.id)).all() == calls


def _clients(session: Session) -> list[Client]:
    return list(session.scalars(select(Client).order_by(Client.id)))


@both_languages
def test_two_cards_were_made_twice(passwords_made: dict[str, str], session: Session) -> None:
    pairs = session.scalars(select(DoublePair).order_by(DoublePair.id)).all()
    assert len(pairs) >= 2
    assert all(pair.low.merged_into_id is None and pair.low.name != pair.high.name for pair in pairs)
