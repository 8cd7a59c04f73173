"""The roster's pages: read by all of sales, edited by the head, refused with the words kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.office.models import Line
from webapp.roster.models import Absence, RosterChange, Shift

SignIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}
WEEK = "2026-W11"  # the clock of the tests stands on its Tuesday


def at(hour: float, day: int = 10) -> datetime:
    """An hour of Moscow's day in March 2026."""
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour - 3)


def add(session: Session, user: User, start: float, end: float, day: int = 10, **more: object) -> Shift:
    row = Shift(user_id=user.id, starts_at=at(start, day), ends_at=at(end, day), **more)
    session.add(row)
    session.commit()
    return row


def shift(user: User, **more: str) -> dict[str, str]:
    return {"user_id": str(user.id), "day": "2026-03-10", "starts": "9", "ends": "18:00", "rank": "0", **more}


def test_all_of_sales_reads_and_only_the_head_edits(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    add(session, office["anna"], 9, 14)
    add(session, office["boris"], 9, 18, rank=1)
    page = sign_in("secretary").get("/roster").get_data(as_text=True)
    assert "Anna Petrova 9–14" in page and "Boris Ivanov 9–18 · backup" in page
    assert "Tue 10 Mar 14:00–18:00" in page and "nobody on duty" in page
    assert "new-shift" not in page and "Copy or clear" not in page
    assert "new-shift" in sign_in("head").get("/roster").get_data(as_text=True)


def test_strangers_are_sent_to_the_login(app: Flask, office: dict[str, User]) -> None:
    client = app.test_client()
    assert "/login" in client.get("/roster").headers["Location"]
    assert "/login" in client.post("/roster/shift").headers["Location"]


@pytest.mark.parametrize(
    "path",
    [
        "shift",
        "shift/1",
        "shift/1/delete",
        "copy",
        "clear",
        "undo",
        "changes/1/undo",
    ],
)
def test_changes_are_the_heads(sign_in: SignIn, path: str) -> None:
    assert sign_in("anna").post(f"/roster/{path}").status_code == 403
    assert sign_in("admin").get("/roster").status_code == 403


@pytest.mark.parametrize("week", ["2026-W54", "2026-11", "9999-W99", "x", "2026-W00", "٢٠٢٦-W11"])
def test_a_week_that_is_none_is_not_found(sign_in: SignIn, week: str) -> None:
    assert sign_in("head").get("/roster", query_string={"week": week}).status_code == 404


@pytest.mark.parametrize("path", ["shift/77", "shift/77/delete", "absence/77", "absence/77/delete"])
def test_an_unknown_id_is_not_found(sign_in: SignIn, path: str) -> None:
    assert sign_in("head").post(f"/roster/{path}").status_code == 404
    assert sign_in("head").get("/roster?shift=77").status_code == 404
    assert sign_in("head").get("/roster?absence=77").status_code == 404


def test_the_head_sets_a_shift_and_everybody_hears_of_it(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    answer = sign_in("head").post(f"/roster/shift?week={WEEK}", data=shift(office["anna"]))
    assert answer.headers["Location"] == f"/roster?week={WEEK}"
    row = session.scalars(select(Shift)).one()
    assert (row.starts_at, row.ends_at, row.rank, row.override) == (at(9), at(18), 0, False)
    told = set(session.execute(select(Feed.kind, Feed.user_id)).tuples())
    assert ("standing", None) in told
    assert {user_id for kind, user_id in told if kind == "roster"} == {user.id for user in office.values()}


def test_htmx_gets_the_roster_back_with_its_gaps(sign_in: SignIn, office: dict[str, User]) -> None:
    answer = sign_in("head").post(f"/roster/shift?week={WEEK}", data=shift(office["anna"], ends="12"), headers=HTMX)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and text.lstrip().startswith('<div id="roster"')
    assert "Tue 10 Mar 12:00–18:00" in text


def test_a_refreshing_page_gets_only_the_week(sign_in: SignIn, office: dict[str, User]) -> None:
    text = sign_in("head").get(f"/roster?week={WEEK}", headers=HTMX).get_data(as_text=True)
    assert 'id="week"' in text and "new-shift" not in text


def test_a_shift_over_midnight_needs_the_box_ticked(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    head, night = sign_in("head"), shift(office["anna"], starts="22", ends="6")
    refused = head.post("/roster/shift", data=night)
    assert refused.status_code == 422
    text = refused.get_data(as_text=True)
    assert "box ticked" in text and 'value="22"' in text and 'value="6"' in text
    assert head.post("/roster/shift", data=night | {"over_midnight": "y"}).status_code == 303
    row = session.scalars(select(Shift)).one()
    assert (row.starts_at, row.ends_at) == (at(22), at(30))
    page = head.get(f"/roster?week={WEEK}").get_data(as_text=True)
    assert page.count("Anna Petrova 22–6") >= 2, "it is drawn on both days"
    edit = head.get(f"/roster?week=2026-W12&shift={row.id}").get_data(as_text=True)
    assert 'value="2026-03-10"' in edit, "its own day can be kept from another week's page"


def test_midnight_ends_the_same_day(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    for user, ends in ((office["anna"], "0:00"), (office["boris"], "24:00")):
        assert sign_in("head").post("/roster/shift", data=shift(user, starts="18", ends=ends)).status_code == 303
    assert set(session.scalars(select(Shift.ends_at))) == {at(24)}


@pytest.mark.parametrize(
    "change, words",
    [
        ({"user_id": "0"}, "Choose a person."),
        ({"user_id": "999"}, "Not a valid choice"),
        ({"day": "2026-04-01"}, "Not a valid choice"),
        ({"day": "nonsense"}, "Not a valid choice"),
        ({"starts": ""}, "Type when it starts."),
        ({"starts": "25:00"}, "such as 9:30"),
        ({"starts": "<b>"}, "such as 9:30"),
        ({"ends": "9:75"}, "such as 9:30"),
        ({"ends": "8"}, "ends before it starts"),
        ({"over_midnight": "y", "ends": "10"}, "24 hours at most"),
        ({"rank": "7"}, "Not a valid choice"),
    ],
)
def test_a_bad_shift_comes_back_with_the_reason(
    sign_in: SignIn, session: Session, office: dict[str, User], change: dict[str, str], words: str
) -> None:
    answer = sign_in("head").post("/roster/shift", data=shift(office["anna"]) | change, headers=HTMX)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in text and "<b>" not in text
    assert session.scalar(select(func.count()).select_from(Shift)) == 0


def test_an_overlap_names_the_shift_in_the_way(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    add(session, office["anna"], 9, 14)
    answer = sign_in("head").post("/roster/shift", data=shift(office["anna"], starts="13:30"))
    assert answer.status_code == 422
    assert "Anna Petrova already has a shift then: 09:00–14:00." in answer.get_data(as_text=True)


def edit(row: Shift, user: User, version: int | None = None, **more: str) -> dict[str, str]:
    """What the form of an opened shift sends."""
    typed = shift(user, version=str(row.version if version is None else version), **more)
    return {f"edit-{name}": value for name, value in typed.items()}


def test_a_shift_is_changed_and_deleted(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    row, head = add(session, office["anna"], 9, 14), sign_in("head")
    page = head.get(f"/roster?week={WEEK}&shift={row.id}").get_data(as_text=True)
    assert "Change this shift" in page and 'value="14:00"' in page
    assert (
        head.post(f"/roster/shift/{row.id}", data=edit(row, office["boris"], rank="1", override="y")).status_code == 303
    )
    session.refresh(row)
    assert (row.user_id, row.ends_at, row.rank, row.override) == (office["boris"].id, at(18), 1, True)
    assert row.version == 2
    refused = head.post(f"/roster/shift/{row.id}", data=edit(row, office["boris"], ends="7"), headers=HTMX)
    assert refused.status_code == 422 and 'id="edit"' in refused.get_data(as_text=True)
    assert 'value="7"' in refused.get_data(as_text=True)
    assert head.post(f"/roster/shift/{row.id}/delete", data={"edit-version": "2"}).status_code == 303
    assert session.scalar(select(func.count()).select_from(Shift)) == 0
    kinds = session.scalars(select(RosterChange.kind).order_by(RosterChange.id)).all()
    assert kinds == ["shift_changed", "shift_removed"]


def test_who_saves_over_anothers_change_is_told_and_keeps_what_he_typed(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    row, first, second = add(session, office["anna"], 9, 14), sign_in("head"), sign_in("head")
    assert first.post(f"/roster/shift/{row.id}", data=edit(row, office["boris"], 1, ends="15")).status_code == 303
    answer = second.post(f"/roster/shift/{row.id}", data=edit(row, office["vera"], 1, ends="17:30"), headers=HTMX)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Helen Markova has changed this shift meanwhile" in text and "Boris Ivanov, Tue 10 Mar 09:00–15:00" in text
    assert 'value="17:30"' in text and 'name="edit-version" type="hidden" value="2"' in text
    session.expire_all()
    assert session.get_one(Shift, row.id).user_id == office["boris"].id
    assert second.post(f"/roster/shift/{row.id}", data=edit(row, office["vera"], 2, ends="17:30")).status_code == 303
    session.expire_all()
    assert session.get_one(Shift, row.id).user_id == office["vera"].id
    assert second.post(f"/roster/shift/{row.id}/delete", data={"edit-version": "1"}).status_code == 409


def test_a_shift_taken_off_meanwhile_comes_back_as_a_new_one_to_set(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    row, head = add(session, office["anna"], 9, 14), sign_in("head")
    gone = row.id
    assert head.post(f"/roster/shift/{gone}/delete", data={"edit-version": "1"}).status_code == 303
    session.expire_all()
    typed = {f"edit-{name}": value for name, value in shift(office["vera"], ends="17:30", version="1").items()}
    answer = head.post(f"/roster/shift/{gone}", data=typed, headers=HTMX)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "Shift taken off: Anna Petrova, Tue 10 Mar 09:00–14:00" in text
    assert "set it to have it nevertheless" in text and 'value="17:30"' in text
    assert head.post(f"/roster/shift/{gone}/delete", data={"edit-version": "1"}, headers=HTMX).status_code == 200


def test_a_save_that_leaves_a_gap_names_the_hours(sign_in: SignIn, office: dict[str, User]) -> None:
    head = sign_in("head")
    text = head.post(f"/roster/shift?week={WEEK}", data=shift(office["anna"], ends="12"), headers=HTMX).get_data(
        as_text=True
    )
    note = text.split('id="roster-note"')[1].split("</div>")[0]
    assert "Saved." in note and "Nobody on duty" in note and "Tue 10 Mar 12:00–18:00" in note
    assert "Wed 11 Mar" not in note, "only the days of the change"
    whole = head.post(
        f"/roster/shift?week={WEEK}", data=shift(office["boris"], starts="12"), headers=HTMX
    ).get_data(as_text=True)  # fmt: skip
    assert "Nobody on duty" not in whole.split('id="roster-note"')[1].split("</div>")[0]


def test_a_line_has_shifts_of_its_own(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    line = session.scalars(select(Line)).first() or Line(name="ads", title="Advertisements")
    line.title = "Advertisements"
    session.add(line)
    session.commit()
    head, code = sign_in("head"), f"line-{line.id}"
    answer = head.post(f"/roster/shift?week={WEEK}", data=shift(office["anna"], place=code, ends="12"), headers=HTMX)
    text = answer.get_data(as_text=True)
    assert "9–12 · Advertisements" in text
    assert "Advertisements: Tue 10 Mar 12:00–18:00" in text and "Nobody of the line itself" in text
    assert session.scalars(select(Shift.line_id)).one() == line.id
    add(session, office["boris"], 9, 18)
    only = head.get(f"/roster?week={WEEK}&of={code}").get_data(as_text=True)
    assert "Boris Ivanov 9–18" not in only and "Tue 10 Mar 12:00–18:00" in only
    assert head.post("/roster/shift", data=shift(office["vera"], place="line-999")).status_code == 422
    assert head.get("/roster?of=nonsense").status_code == 200


def test_my_last_change_is_undone(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    head = sign_in("head")
    assert "nothing of yours to undo" in head.post("/roster/undo", headers=HTMX).get_data(as_text=True)
    head.post("/roster/shift", data=shift(office["anna"]))
    text = head.post(f"/roster/undo?week={WEEK}", headers=HTMX).get_data(as_text=True)
    assert "Undone: Shift set: Anna Petrova, Tue 10 Mar 09:00–18:00" in text and "Tue 10 Mar 09:00–18:00" in text
    assert session.scalar(select(func.count()).select_from(Shift)) == 0
    head.post("/roster/shift", data=shift(office["anna"]))
    row = session.scalars(select(Shift)).one()
    row.ends_at = at(16)
    session.commit()
    refused = head.post("/roster/undo", headers=HTMX)
    assert refused.status_code == 409 and "changed since" in refused.get_data(as_text=True)
    assert session.scalar(select(func.count()).select_from(Shift)) == 1


def test_the_list_of_changes(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    head = sign_in("head")
    assert "Nothing has been changed yet" in head.get("/roster/changes").get_data(as_text=True)
    head.post("/roster/shift", data=shift(office["anna"]))
    page = head.get("/roster/changes").get_data(as_text=True)
    assert "Shift set: Anna Petrova" in page and "Helen Markova" in page and "today 12:00" in page
    change = session.scalars(select(RosterChange)).one()
    assert head.post(f"/roster/changes/{change.id}/undo").status_code == 303
    page = head.get("/roster/changes").get_data(as_text=True)
    assert "undone by Helen Markova" in page
    head.post(f"/roster/changes/{change.id}/undo")
    assert "undone already" in head.get("/roster/changes").get_data(as_text=True)
    assert head.post("/roster/changes/999/undo").status_code == 404


def test_a_week_is_cleared(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    add(session, office["anna"], 9, 14, day=11)
    text = sign_in("head").post(f"/roster/clear?week={WEEK}", headers=HTMX).get_data(as_text=True)
    assert "1 shift taken off." in text and session.scalar(select(func.count()).select_from(Shift)) == 0


def test_a_week_is_copied_and_says_how_much(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    add(session, office["anna"], 9, 14)
    add(session, office["boris"], 14, 18)
    add(session, office["boris"], 17, 20, day=17)
    head = sign_in("head")
    answer = head.post(f"/roster/copy?week={WEEK}", data={"weeks": "1"})
    assert answer.headers["Location"] == "/roster?week=2026-W12"
    page = head.get("/roster?week=2026-W12").get_data(as_text=True)
    assert "1 shift copied." in page and "1 skipped: that person already has a shift then." in page
    assert head.post("/roster/copy?week=2026-W99").status_code == 404
    for weeks, words in (("0", "From 1 to 12 weeks."), ("x", "Type a number."), ("", "Type how many weeks.")):
        head.post(f"/roster/copy?week={WEEK}", data={"weeks": weeks})
        assert words in head.get(f"/roster?week={WEEK}").get_data(as_text=True)


def test_an_override_replaces_and_says_so(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    add(session, office["anna"], 9, 14)
    add(session, office["boris"], 9, 18, override=True)
    page = sign_in("anna").get("/roster").get_data(as_text=True)
    assert "9–14 · replaced (Anna Petrova)" in page and "Boris Ivanov 9–18 · for the day" in page


def test_a_week_takes_a_fixed_number_of_queries(
    sign_in: SignIn, session: Session, office: dict[str, User], count_queries: Callable[[], int]
) -> None:
    head = sign_in("head")
    counts = []
    for day in range(9, 12):
        for person in ("anna", "boris", "vera"):
            add(session, office[person], 9, 18, day=day)
        session.add(Absence(user_id=office["vera"].id, starts_at=at(9, day), ends_at=at(10, day)))
        session.commit()
        before = count_queries()
        assert head.get("/roster").status_code == 200
        counts.append(count_queries() - before)
    assert counts[0] == counts[1] == counts[2] <= 18
