"""The head's grids: saved as a whole, refused when they lock somebody in, asked by every verb from then on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.deals.models import ENDED, STAGES
from webapp.office.models import ClientStatus
from webapp.rules import grids, transitions
from webapp.rules.models import Transition

SignIn = Callable[[str], FlaskClient]


def post(head: FlaskClient, grid: grids.Grid, ticks: set[tuple[str, str]]) -> tuple[int, str]:
    cells = [f"{before}>{after}" for before, after in ticks]
    answer = head.post(f"/settings/steps/{grid.name}", data={"keys": grid.keys, "cell": cells})
    return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.parametrize("name", ["status", "stage"])
def test_as_it_is_it_can_be_saved(sign_in: SignIn, session: Session, name: str) -> None:
    head, before = sign_in("head"), grids.read(session, name)
    assert grids.problems(before) == []
    steps = transitions.steps(session, name)
    assert post(head, before, set(before.ticks))[0] == 303
    session.expire_all()
    assert grids.read(session, name) == before and transitions.steps(session, name) == steps
    assert session.scalars(select(Transition).where(Transition.grid == name)).first() is not None
    head.post(f"/settings/steps/{name}", data={"do": "default"})
    session.expire_all()
    assert session.scalars(select(Transition)).all() == [] and grids.read(session, name) == before


def test_statuses_are_moved_as_the_head_says(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    grid = grids.read(session, "status")
    a, b, c, d = grid.columns
    ticks = {("", a), (a, b), (b, a), (b, c), (c, d), (d, c)}
    assert post(sign_in("head"), grid, ticks)[0] == 303
    session.expire_all()
    assert transitions.steps(session, "status") == {"": [a], a: [b], b: [a, c], c: [d], d: [c]}
    session.add(ClientStatus(names={"en": "Partner"}, rank=99))
    session.flush()
    late = transitions.order(session, "status")[-1]
    assert all(transitions.allowed(session, "status", key, late) for key in ("", a, b, c, d))
    assert grids.problems(grids.read(session, "status")) == []


@pytest.mark.parametrize(
    "name, spoil, why",
    [
        ("status", lambda ticks, keys: {one for one in ticks if one[0]}, ["A new card can get no status"]),
        ("status", lambda ticks, keys: {one for one in ticks if one[0] != keys[1]}, ["From “Casual” nothing leads on"]),
        ("status", lambda ticks, keys: set(), ["A new card", "“Potential”", "“Casual”", "“Active”", "“VIP”"]),
        ("stage", lambda ticks, keys: {one for one in ticks if one[0] != "contract"}, ["From “Contract”"]),
        ("stage", lambda ticks, keys: {one for one in ticks if one[1] != "won"}, ["from “Discussion” to “Won”"]),
        ("stage", lambda ticks, keys: {one for one in ticks if one[1] != "lost"}, ["from “Handed over” to “Lost”"]),
        (
            "stage",
            lambda ticks, keys: {*ticks, ("invoice", "contract")} - {
                (one, key) for one in ("contract", "invoice") for key in (*ENDED, "handed_over")
            },
            ["from “Contract” to “Won”", "from “Invoice and payment” to “Lost”"],
        ),
    ],
)  # fmt: skip
def test_a_grid_that_locks_in_is_refused_and_says_where(
    sign_in: SignIn,
    session: Session,
    office: dict[str, User],
    name: str,
    spoil: Callable[[set[tuple[str, str]], list[str]], set[tuple[str, str]]],
    why: list[str],
) -> None:
    grid = grids.read(session, name)
    ticks = spoil(set(grid.ticks), list(grid.columns))
    status, page = post(sign_in("head"), grid, ticks)
    assert status == 422 and all(one in page for one in why) and "Nothing was saved" in page
    assert page.count(" checked") == len(ticks)  # what was ticked is not lost
    session.expire_all()
    assert session.scalars(select(Transition)).all() == [] and grids.read(session, name) == grid


def test_an_end_is_no_trap(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    grid = grids.read(session, "status")
    a = next(iter(grid.columns))
    ticks = {one for one in grid.ticks if one[0] != a} | {(a, transitions.END)}
    assert post(sign_in("head"), grid, ticks)[0] == 303
    session.expire_all()
    assert transitions.steps(session, "status")[a] == []


def test_a_page_of_other_statuses_is_refused(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    grid = grids.read(session, "status")
    session.add(ClientStatus(names={"en": "Partner"}, rank=99))
    session.commit()
    status, page = post(sign_in("head"), grid, set(grid.ticks))
    assert status == 422 and "changed meanwhile" in page and "Partner" in page


def test_nonsense_cells_are_none(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    grid = grids.read(session, "stage")
    odd = {("nowhere", "won"), ("won", "nowhere"), ("", "won"), ("won", "won"), ("found", "end"), ("x", "")}
    assert post(sign_in("head"), grid, set(grid.ticks) | odd)[0] == 303
    session.expire_all()
    assert grids.read(session, "stage") == grid


PAIRS = sorted((one, two) for one in STAGES for two in STAGES if one != two)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.sets(st.sampled_from(PAIRS)))
def test_from_every_stage_of_a_saved_grid_both_ends_are_reached(session: Session, ticks: set[tuple[str, str]]) -> None:
    grid = grids.Grid("stage", {key: key for key in STAGES}, {key: key for key in STAGES}, ticks)

    def reaches(start: str, end: str) -> bool:
        seen = [start]
        for one in seen:
            seen += [two for before, two in ticks if before == one and two not in seen]
        return end in seen

    sound = all(reaches(start, end) for start in STAGES if start not in ENDED for end in ENDED)
    assert (grids.problems(grid) == []) == sound


def test_retiring_the_only_way_on_is_said(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    head, grid = sign_in("head"), grids.read(session, "status")
    a, b, c, d = grid.columns
    assert post(head, grid, {("", a), (a, b), (b, c), (c, d), (d, transitions.END)})[0] == 303
    head.post("/settings/lists/statuses", data={"do": f"retire-{b}"})
    assert "From “Potential” nothing leads on" in head.get("/settings/lists/statuses").get_data(as_text=True)
    assert "Something is locked in" in head.get("/settings/steps/status").get_data(as_text=True)
