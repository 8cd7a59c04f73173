"""The simulator says what intake does, in any office; and intake rings nobody it must not, and leaves nobody alone."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sipbridge.events import CallOffered
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls import intake
from webapp.calls.models import Call, CallAudience
from webapp.calls.routing import ORDER, SPREADS
from webapp.clients import keys, match
from webapp.clients.models import Client, ContactPoint
from webapp.deals.models import Deal
from webapp.office.models import Line, LinePerson, Office, Region
from webapp.presence import whereabouts
from webapp.presence.models import Presence
from webapp.roster.models import Absence, Shift
from webapp.simulator import trying
from webapp.tasks.models import Task

MOSCOW = ZoneInfo("Europe/Moscow")
NUMBERS = ("+74951234567", "+74957654321", "")
CHANGES = {
    "Europe/Kyiv": (datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)),
    "Europe/Athens": (datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)),
    "Europe/London": (datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)),
}


def furnish(session: Session, office: dict[str, User], dice: random.Random, now: datetime, shuffled: int = 0) -> None:
    """A random office around `now`; the same dice furnish the same one, rows in another order when `shuffled`."""
    for table in (Shift, Absence, Presence, CallAudience, Task, Deal, LinePerson):
        session.execute(delete(table))
    session.execute(delete(Call))
    people = list(office.values())
    regions = list(session.scalars(select(Region).order_by(Region.id)))
    lines = list(session.scalars(select(Line).order_by(Line.id)))
    for user in people:
        user.extension = "" if dice.random() < 0.2 else f"sip:{user.login}@127.0.0.1:5999"
        user.active = dice.random() > 0.1
        user.region_id = dice.choice([None, regions[0].id])
        user.direct_number = f"+749500000{user.id:02}"
    rows: list[object] = []
    for _ in range(dice.randint(0, 6)):
        starts = now + timedelta(hours=dice.randint(-6, 2))
        rows.append(
            Shift(
                user_id=dice.choice(people).id,
                starts_at=starts,
                ends_at=starts + timedelta(hours=dice.randint(1, 9)),
                rank=dice.choice([0, 0, 1]),
                override=dice.random() < 0.2,
                line_id=dice.choice([None, None, lines[0].id]),
                region_id=dice.choice([None, None, regions[0].id]),
            )
        )
    for user in people:
        if dice.random() < 0.2:
            rows.append(Absence(user_id=user.id, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=2)))
        if dice.random() < 0.3:
            rows.append(
                Presence(
                    user_id=user.id,
                    state=dice.choice(["here", "away"]),
                    since=now - timedelta(minutes=5),
                    back_at=dice.choice([None, now + timedelta(minutes=3), now - timedelta(minutes=1)]),
                    wrap_up_until=dice.choice([None, now + timedelta(seconds=30)]),
                )
            )
    line = lines[0]
    line.spread = dice.choice(SPREADS)
    whos = dice.sample(ORDER, dice.randint(1, len(ORDER)))
    line.hunt = [{"who": who, "seconds": dice.choice([None, 7, 30])} for who in whos] if dice.random() < 0.5 else []
    if dice.random() < 0.3:
        rows += [
            LinePerson(line_id=line.id, user_id=user.id, rank=dice.randint(1, 2)) for user in dice.sample(people, 3)
        ]
    client = session.scalars(select(Client)).one()
    client.owner_id = dice.choice([None, dice.choice(people).id])
    client.region_id = dice.choice([None, regions[0].id])
    if dice.random() < 0.4:
        rows.append(Deal(client_id=client.id, owner_id=dice.choice(people).id, title="Windows", opened_at=now))
    for number in range(dice.randint(0, 4)):
        user, at = dice.choice(people), now - timedelta(hours=1, minutes=number)
        state = dice.choice(["ended", "ended", "talking"])
        rows.append(
            Call(
                call_id=f"past{number}", number=dice.choice(NUMBERS), offered_at=at, answered_at=at, state=state,
                answered_by_id=user.id, end_reason="completed" if state == "ended" else "",
            )
        )  # fmt: skip
    if shuffled:
        random.Random(shuffled).shuffle(rows)
    session.add_all(rows)
    session.flush()
    for call in session.scalars(select(Call).where(Call.state == "talking")):
        session.add(CallAudience(call_id=call.id, user_id=call.answered_by_id, state="taken"))
    session.commit()
    session.expire_all()


@pytest.fixture
def card(session: Session, office: dict[str, User], clock: Clock) -> Client:
    client = Client(name="Rassvet", created_at=clock())
    client.contact_points = [
        ContactPoint(kind="phone", value=NUMBERS[0], normal=keys.normal_contact("phone", NUMBERS[0], "RU"))
    ]
    session.add_all([client, Region(names={"en": "North"})])
    session.flush()
    match.index(session, client)
    session.commit()
    return client


def offer(session: Session, number: str, dialed: str, at: datetime, zone: ZoneInfo = MOSCOW) -> tuple[object, Call]:
    event = CallOffered("new", "desk", number, "", dialed, at)
    plan = intake.offered(session, event, at, "RU", zone)
    return plan, session.scalars(select(Call).where(Call.call_id == "new")).one()


@pytest.mark.parametrize("seed", range(25))
def test_the_simulator_says_what_intake_does(
    session: Session, office: dict[str, User], card: Client, clock: Clock, seed: int
) -> None:
    dice = random.Random(seed)
    now = clock() + timedelta(hours=dice.choice([0, 3, 13]))
    furnish(session, office, dice, now)
    number, dialed = dice.choice(NUMBERS), dice.choice(["", office["vera"].direct_number])
    line = session.scalars(select(Line).where(Line.name == "desk")).one()
    told = trying.ask(session, number, dialed, line, now, MOSCOW, "RU")
    plan, call = offer(session, number, dialed, now)
    assert told.plan == plan
    assert (told.decision.reason, told.decision.situation) == (call.why_routed["reason"], call.situation)
    assert [one.user_id for one in told.decision.passed_over] == [
        one["user_id"] for one in call.why_routed.get("passed_over", [])
    ]


@pytest.mark.parametrize("seed", range(25, 45))
def test_nobody_absent_or_away_is_rung_nobody_twice_and_nobody_only_with_word_to_the_head(
    session: Session, office: dict[str, User], card: Client, clock: Clock, seed: int
) -> None:
    dice = random.Random(seed)
    now = clock() + timedelta(hours=dice.choice([0, 3, 13]))
    furnish(session, office, dice, now)
    where = {one.user.id: one.state for one in whereabouts.of(session, list(office.values()), now, MOSCOW)}
    plan, call = offer(session, dice.choice(NUMBERS), "", now)
    seats = list(session.scalars(select(CallAudience).where(CallAudience.call_id == call.id)))
    rung = [extension for step in plan.steps for extension in step.extensions]  # type: ignore[attr-defined]
    assert len(rung) == len(set(rung))
    assert {seat.extension for seat in seats if seat.extension} == set(rung)
    assert not [seat.user_id for seat in seats if where[seat.user_id] in ("absent", "away")]
    assert seats or session.scalars(select(Task).where(Task.kind == "gap", Task.call_id == call.id)).first()


@pytest.mark.parametrize("seed", range(45, 55))
def test_the_order_of_rows_changes_nothing(
    session: Session, office: dict[str, User], card: Client, clock: Clock, seed: int
) -> None:
    line = session.scalars(select(Line).where(Line.name == "desk")).one()
    plans = []
    for shuffled in (0, seed, seed + 1):
        dice = random.Random(seed)
        furnish(session, office, dice, clock(), shuffled)
        plans.append(trying.ask(session, NUMBERS[0], "", line, clock(), MOSCOW, "RU").plan.steps)
    assert plans[0] == plans[1] == plans[2]


@pytest.mark.parametrize("zone", sorted(CHANGES))
def test_no_instant_of_a_week_with_a_change_of_the_clock_is_answered_by_nobody_unknown_to_the_head(
    session: Session, office: dict[str, User], card: Client, zone: str
) -> None:
    """Weeks around both changes, sampled through the night itself minute by minute and through the week by the hour."""
    the_office = session.get_one(Office, 1)
    the_office.workdays = list(range(7))
    for seed, night in enumerate(CHANGES[zone]):
        dice = random.Random(seed)
        furnish(session, office, dice, night)
        monday = night - timedelta(days=5)
        for day in range(7):
            starts = monday + timedelta(days=day, hours=dice.randint(4, 9))
            user_id = dice.choice(list(office.values())).id
            session.add(Shift(user_id=user_id, starts_at=starts, ends_at=starts + timedelta(hours=dice.randint(5, 20))))
        session.commit()
        instants = [night + timedelta(minutes=20 * step) for step in range(24)]
        instants += [monday + timedelta(hours=7 * step) for step in range(24)]
        for number, at in enumerate(instants):
            event = CallOffered(f"{seed}-{number}", "desk", NUMBERS[1], "", "", at)
            plan = intake.offered(session, event, at, "RU", ZoneInfo(zone))
            call = session.scalars(select(Call).where(Call.call_id == event.call_id)).one()
            told = session.scalars(select(Task.id).where(Task.kind == "gap", Task.call_id == call.id)).first()
            rung = session.scalars(select(CallAudience.id).where(CallAudience.call_id == call.id)).first()
            assert plan.steps or rung or told, at
        session.rollback()
