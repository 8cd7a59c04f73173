"""Shifts that change hands: claimed once, as they were offered or not at all, with overlaps and absences seen anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.roster import swaps
from webapp.roster.models import Absence, RosterChange, Shift, ShiftPattern, Swap
from webapp.roster.shifts import Refused

from ..conftest import Clock

SignIn = Callable[[str], FlaskClient]
MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)


def at(hour: float, day: int = 11) -> datetime:
    """An hour of Moscow's day in March 2026; tomorrow when no day is given."""
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour - 3)


def on(session: Session, user: User, start: float, end: float, day: int = 11, **more: object) -> Shift:
    row = Shift(user_id=user.id, starts_at=at(start, day), ends_at=at(end, day), **more)
    session.add(row)
    session.commit()
    return row


def offered(session: Session, shift: Shift, to: User | None = None, in_return: Shift | None = None) -> Swap:
    swap = swaps.offer(session, shift, shift.user, to, in_return, "dentist", NOW, MOSCOW)
    session.commit()
    return swap


# The verbs


def test_a_shift_goes_to_whoever_takes_it_first(session: Session, office: dict[str, User]) -> None:
    pattern = ShiftPattern(user_id=office["anna"].id, first_day=NOW.date(), starts=540, ends=1080)
    session.add(pattern)
    session.flush()
    shift = on(session, office["anna"], 9, 18, pattern_id=pattern.id)
    swap = offered(session, shift)
    assert list(swaps.for_user(session, office["boris"], NOW)) == [swap]
    assert list(swaps.for_user(session, office["anna"], NOW)) == []
    swaps.accept(session, swap, office["boris"], NOW, MOSCOW)
    assert (shift.user_id, shift.version, shift.pattern_id) == (office["boris"].id, 2, None)
    assert (swap.state, swap.answered_by_id, swap.answered_at) == ("accepted", office["boris"].id, NOW)
    with pytest.raises(swaps.Lost, match="Boris Ivanov was quicker"):
        swaps.accept(session, swap, office["vera"], NOW, MOSCOW)
    assert shift.user_id == office["boris"].id
    change = session.scalars(select(RosterChange)).one()
    assert (change.kind, change.by_id, len(change.rows)) == ("swap", office["boris"].id, 1)
    assert ("standing", None) in set(session.execute(select(Feed.kind, Feed.user_id)).tuples())


def test_one_shift_for_another(session: Session, office: dict[str, User]) -> None:
    mine, his = on(session, office["anna"], 9, 14), on(session, office["boris"], 12, 18)
    swap = offered(session, mine, office["boris"], his)
    swaps.accept(session, swap, office["boris"], NOW, MOSCOW)
    session.refresh(his)
    assert (mine.user_id, his.user_id) == (office["boris"].id, office["anna"].id), "though they overlap: both change"
    assert len(session.scalars(select(RosterChange)).one().rows) == 2


def test_what_changed_meanwhile_makes_it_void(session: Session, office: dict[str, User]) -> None:
    mine, his = on(session, office["anna"], 9, 14), on(session, office["boris"], 14, 18)
    first, second = offered(session, mine), offered(session, his, office["anna"])
    mine.ends_at, mine.version = at(15), 2
    session.commit()
    with pytest.raises(swaps.Lost, match="has changed or begun"):
        swaps.accept(session, first, office["boris"], NOW, MOSCOW)
    assert first.state == "void" and mine.user_id == office["anna"].id
    session.delete(his)
    session.commit()
    with pytest.raises(swaps.Lost, match="has changed or begun"):
        swaps.accept(session, second, office["anna"], NOW, MOSCOW)
    assert second.state == "void" and swaps.of_user(session, office["boris"], NOW - timedelta(days=1)) == [second]


def test_the_shift_in_return_must_be_as_it_was_too(session: Session, office: dict[str, User]) -> None:
    mine, his = on(session, office["anna"], 9, 14), on(session, office["boris"], 14, 18)
    swap = offered(session, mine, office["boris"], his)
    session.delete(his)
    session.commit()
    with pytest.raises(swaps.Lost):
        swaps.accept(session, swap, office["boris"], NOW, MOSCOW)
    assert mine.user_id == office["anna"].id and swap.state == "void"


def test_the_clock_voids_what_nobody_took(session: Session, office: dict[str, User]) -> None:
    late, changed, open_ = (
        on(session, office["anna"], hour, hour + 1, day) for hour, day in ((13, 10), (9, 11), (9, 12))
    )
    found = [offered(session, shift) for shift in (late, changed, open_)]
    assert swaps.void_changed(session, NOW) == 0
    changed.version = 2
    session.commit()
    assert swaps.void_changed(session, at(13.5, 10)) == 2 and swaps.void_changed(session, at(13.5, 10)) == 0
    session.commit()
    assert [swap.state for swap in found] == ["void", "void", "offered"]
    with pytest.raises(swaps.Lost):
        swaps.accept(session, found[0], office["boris"], at(13.5, 10), MOSCOW)


def test_what_was_answered_meanwhile_is_not_made_void(session: Session, office: dict[str, User]) -> None:
    swap = offered(session, on(session, office["anna"], 9, 14))
    swaps.withdraw(session, swap, office["anna"], NOW)
    swaps._void(session, [swap.id], "offered", NOW)  # the clock had read the offer before it was withdrawn
    session.refresh(swap)
    assert (swap.state, swap.answered_by_id) == ("withdrawn", office["anna"].id)


def test_who_cannot_take_it_is_told_why_and_it_stays_open(session: Session, office: dict[str, User]) -> None:
    swap = offered(session, on(session, office["anna"], 9, 14))
    on(session, office["boris"], 13, 18)
    session.add(Absence(user_id=office["vera"].id, starts_at=at(8), ends_at=at(10)))
    session.commit()
    for login, words in (("boris", "already has a shift then: 13:00–18:00"), ("vera", "is away then: 08:00–10:00")):
        with pytest.raises(Refused, match=words):
            swaps.accept(session, swap, office[login], NOW, MOSCOW)
        session.rollback()
        assert swap.state == "offered" and swap.shift is not None and swap.shift.user_id == office["anna"].id


def test_what_cannot_be_offered(session: Session, office: dict[str, User]) -> None:
    anna, boris = office["anna"], office["boris"]
    mine, begun, his = on(session, anna, 9, 14), on(session, anna, 9, 18, 10), on(session, boris, 14, 18)
    away = on(session, anna, 9, 14, 12)
    session.add(Absence(user_id=boris.id, starts_at=at(8, 12), ends_at=at(10, 12)))
    offered(session, on(session, anna, 9, 14, 13))
    again = session.scalars(select(Swap.shift_id)).one()
    cases = [
        ((his, None, None), "shift_id", "your own"),
        ((begun, None, None), "shift_id", "begun"),
        ((session.get_one(Shift, again), None, None), "shift_id", "already"),
        ((mine, anna, None), "to_user_id", "colleague"),
        ((mine, office["admin"], None), "to_user_id", "colleague"),
        ((mine, None, his), "in_return_id", "the colleague you offer"),
        ((mine, office["vera"], his), "in_return_id", "the colleague you offer"),
        ((away, boris, None), "to_user_id", "is away then"),
    ]
    for (shift, to, in_return), field, words in cases:
        with pytest.raises(Refused, match=words) as refused:
            swaps.offer(session, shift, anna, to, in_return, "", NOW, MOSCOW)
        assert refused.value.field == field


def test_declined_and_withdrawn(session: Session, office: dict[str, User]) -> None:
    shift = on(session, office["anna"], 9, 14)
    swap = offered(session, shift, office["boris"])
    swaps.decline(session, swap, office["boris"], NOW)
    assert swap.state == "declined" and shift.user_id == office["anna"].id
    again = offered(session, shift)
    swaps.withdraw(session, again, office["anna"], NOW)
    with pytest.raises(swaps.Lost, match="Anna Petrova has withdrawn"):
        swaps.accept(session, again, office["boris"], NOW, MOSCOW)


# The pages


def test_offered_on_the_page_taken_on_the_desk_seen_by_the_head(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    mine, his = on(session, office["anna"], 9, 14), on(session, office["boris"], 14, 18)
    anna, boris = sign_in("anna"), sign_in("boris")
    form = anna.get("/roster/swaps/form", query_string={"shift_id": mine.id, "to_user_id": office["boris"].id})
    assert "Wed 11 Mar 14:00–18:00" in form.get_data(as_text=True)
    sent = {
        "shift_id": str(mine.id), "to_user_id": str(office["boris"].id), "in_return_id": str(his.id),
        "words": "dentist",
    }  # fmt: skip
    assert anna.post("/roster/swaps", data=sent).status_code == 303
    swap = session.scalars(select(Swap)).one()
    for path in ("/desk/idle", "/roster/swaps"):
        text = boris.get(path).get_data(as_text=True)
        assert "Anna Petrova" in text and "Wed 11 Mar 09:00–14:00" in text
        assert "in return for Wed 11 Mar 14:00–18:00" in text and "dentist" in text
    assert "Wed 11 Mar 09:00" not in sign_in("vera").get("/roster/swaps").get_data(as_text=True)
    answer = boris.post(f"/roster/swaps/{swap.id}/accept", data={"from": "desk"})
    assert answer.headers["Location"] == "/desk"
    assert "The shift is yours: Wed 11 Mar 09:00–14:00." in boris.get("/desk").get_data(as_text=True)
    session.expire_all()
    assert (mine.user_id, his.user_id) == (office["boris"].id, office["anna"].id)
    assert "Boris Ivanov has taken it" in anna.get("/roster/swaps").get_data(as_text=True)
    head = sign_in("head")
    assert "Boris Ivanov has taken it" in head.get("/roster/swaps").get_data(as_text=True)
    journal = head.get("/roster/changes").get_data(as_text=True)
    assert "Boris Ivanov takes the shift of Anna Petrova: Wed 11 Mar 09:00–14:00" in journal


def test_who_may_not_answer(app: Flask, sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    swap = offered(session, on(session, office["anna"], 9, 14), office["boris"])
    for login, verbs in (
        ("anna", ("accept", "decline")),
        ("vera", ("accept", "decline", "withdraw")),
        ("boris", ("withdraw",)),
    ):
        for verb in verbs:
            assert sign_in(login).post(f"/roster/swaps/{swap.id}/{verb}").status_code == 404
    assert sign_in("admin").post(f"/roster/swaps/{swap.id}/accept").status_code == 403
    assert sign_in("admin").get("/roster/swaps").status_code == 403
    assert sign_in("boris").post("/roster/swaps/99/accept").status_code == 404
    assert "/login" in app.test_client().post(f"/roster/swaps/{swap.id}/accept").headers["Location"]
    session.refresh(swap)
    assert swap.state == "offered"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"shift_id": "999"}, "Not a valid choice"),
        ({"shift_id": ""}, "Choose a shift of yours."),
        ({"to_user_id": "999"}, "Not a valid choice"),
        ({"in_return_id": "7"}, "Not a valid choice"),
        ({"words": "x" * 201}, "200"),
    ],
)
def test_a_bad_offer_keeps_what_was_typed(
    sign_in: SignIn, session: Session, office: dict[str, User], change: dict[str, str], words: str
) -> None:
    shift = on(session, office["anna"], 9, 14)
    sent = {"shift_id": str(shift.id), "to_user_id": str(office["boris"].id), "words": "please"} | change
    answer = sign_in("anna").post("/roster/swaps", data=sent)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in text
    if "words" not in change:
        assert 'value="please"' in text
    assert session.scalars(select(Swap)).all() == []


def test_two_who_accept_at_once(app: Flask, sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    swap_id = offered(session, on(session, office["anna"], 9, 14)).id
    clients = [sign_in("boris"), sign_in("vera")]
    session.commit()
    start = threading.Barrier(2)

    def take(client: FlaskClient) -> None:
        with app.app_context():
            start.wait()
            client.post(f"/roster/swaps/{swap_id}/accept")

    threads = [threading.Thread(target=take, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.expire_all()
    swap = session.get_one(Swap, swap_id)
    assert swap.state == "accepted" and swap.shift is not None and swap.shift.user_id == swap.answered_by_id
    assert len(session.scalars(select(RosterChange)).all()) == 1
    said = [client.get("/roster/swaps").get_data(as_text=True) for client in clients]
    assert sum("The shift is yours" in text for text in said) == 1
    assert sum("was quicker and has taken that shift" in text for text in said) == 1


def test_the_page_takes_a_fixed_number_of_queries(
    sign_in: SignIn, session: Session, office: dict[str, User], count_queries: Callable[[], int], clock: Clock
) -> None:
    head, counts = sign_in("head"), []
    for day in (11, 12, 13):
        for login in ("anna", "boris", "vera"):
            offered(session, on(session, office[login], 9, 14, day))
        before = count_queries()
        assert head.get("/roster/swaps").status_code == 200
        counts.append(count_queries() - before)
    assert counts[0] == counts[1] == counts[2] <= 12
