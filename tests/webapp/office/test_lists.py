"""The head's lists: added to, renamed in each language, moved, retired when in use and deleted when not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.office import lists
from webapp.office.lists import LISTS
from webapp.office.models import Channel, ClientType, Line, Outcome, PaymentScheme, Region

SignIn = Callable[[str], FlaskClient]


def channels(session: Session) -> list[str]:
    session.expire_all()
    rows = session.scalars(select(Channel).where(Channel.active).order_by(Channel.rank, Channel.id))
    return [row.names.get("en", "") for row in rows]


def channel(session: Session, name: str) -> Channel:
    return next(row for row in session.scalars(select(Channel)) if row.names.get("en") == name)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_has_its_page(sign_in: SignIn, name: str) -> None:
    page = sign_in("head").get(f"/settings/lists/{name}")
    assert page.status_code == 200 and 'name="name-new-ru"' in page.get_data(as_text=True)


def test_an_item_is_added_at_the_end_and_renamed_in_each_language(sign_in: SignIn, session: Session) -> None:
    head, site = sign_in("head"), channel(session, "Website")
    site.names = {**site.names, "uk": "Сайт"}
    session.commit()
    data = {"name-new-en": "  Fairs &  shows ", "name-new-ru": "Ярмарки", f"name-{site.id}-en": "Our site"}
    assert head.post("/settings/lists/channels", data=data).status_code == 303
    assert channels(session)[0] == "Our site" and channels(session)[-1] == "Fairs & shows"
    assert channel(session, "Our site").names == {"en": "Our site", "ru": "Сайт", "uk": "Сайт"}
    head.post("/settings/lists/channels", data={f"name-{site.id}-en": ""})
    assert "en" not in site.names and site.names["ru"] == "Сайт"


def test_items_move_and_what_was_typed_is_saved_with_it(sign_in: SignIn, session: Session) -> None:
    head, second = sign_in("head"), channel(session, "Search advertising")
    head.post("/settings/lists/channels", data={"do": f"up-{second.id}", f"name-{second.id}-en": "Search"})
    assert channels(session)[:2] == ["Search", "Website"]
    head.post("/settings/lists/channels", data={"do": f"up-{second.id}"})
    assert channels(session)[:2] == ["Search", "Website"]
    head.post("/settings/lists/channels", data={"do": f"down-{second.id}"})
    assert channels(session)[:2] == ["Website", "Search"]


def test_an_item_in_use_is_retired_and_comes_back(sign_in: SignIn, session: Session) -> None:
    head, site = sign_in("head"), channel(session, "Website")
    session.add(Line(name="site", channel_id=site.id))
    session.commit()
    head.post("/settings/lists/channels", data={"do": f"retire-{site.id}"})
    page = head.get("/settings/lists/channels").get_data(as_text=True)
    assert "is in use" in page and "Bring back" in page
    assert "Website" not in channels(session) and session.get(Channel, site.id)
    head.post("/settings/lists/channels", data={"do": f"restore-{site.id}"})
    assert "Website" in channels(session)


def test_an_item_nobody_uses_is_deleted(sign_in: SignIn, session: Session) -> None:
    site = channel(session, "Exhibition")
    sign_in("head").post("/settings/lists/channels", data={"do": f"retire-{site.id}"})
    assert session.scalar(select(Channel.id).where(Channel.id == site.id)) is None


def test_what_scripts_name_is_never_deleted(session: Session, office: dict[str, User]) -> None:
    outcome = session.scalars(select(Outcome).where(Outcome.key == "meeting")).one()
    assert not lists.retire(session, outcome)
    assert not outcome.active and session.get(Outcome, outcome.id)


def test_a_region_with_a_manager_is_in_use(session: Session, office: dict[str, User]) -> None:
    region = Region(names={"en": "North"})
    session.add(region)
    session.flush()
    assert not lists.in_use(session, region)
    office["anna"].region_id = region.id
    session.flush()
    assert lists.in_use(session, region)


def test_an_outcome_closes_and_counts(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    first = session.scalars(select(Outcome).order_by(Outcome.rank)).first()
    assert first and first.counts_as == "meeting" and not first.closes
    data = {f"name-{first.id}-en": "Sold", f"closes-{first.id}": "y", f"counts-{first.id}": "sale"}
    assert head.post("/settings/lists/outcomes", data=data).status_code == 303
    session.refresh(first)
    assert first.closes and first.counts_as == "sale"
    bad = head.post("/settings/lists/outcomes", data=data | {f"counts-{first.id}": "smiles"})
    assert bad.status_code == 422


@pytest.mark.parametrize(
    "typed, words",
    [
        ({"en": "", "ru": ""}, "It needs a name"),
        ({"en": "x" * 81}, "At most 80 characters."),
        ({"en": "RECOMMENDATION"}, "in the list already"),
    ],
)
def test_a_bad_name_comes_back(sign_in: SignIn, session: Session, typed: dict[str, str], words: str) -> None:
    site = channel(session, "Website")
    data = {f"name-{site.id}-{code}": name for code, name in typed.items()} | {"name-new-en": "Kept & safe"}
    answer = sign_in("head").post("/settings/lists/channels", data=data)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in text and "Kept &amp; safe" in text
    assert "Kept & safe" not in channels(session)


def test_another_lists_item_is_not_found(sign_in: SignIn) -> None:
    head = sign_in("head")
    assert head.post("/settings/lists/channels", data={"do": "retire-9999"}).status_code == 404
    assert head.post("/settings/lists/channels", data={"do": "explode-x"}).status_code == 303


def test_a_list_takes_a_fixed_number_of_queries(
    sign_in: SignIn, session: Session, count_queries: Callable[[], int]
) -> None:
    head, counts = sign_in("head"), []
    for number in range(3):
        session.add(Channel(names={"en": f"More {number}"}, rank=20 + number))
        session.commit()
        before = count_queries()
        assert head.get("/settings/lists/channels").status_code == 200
        counts.append(count_queries() - before)
    assert counts[0] == counts[2] <= 6


@pytest.mark.parametrize("name, model", [("types", ClientType), ("payments", PaymentScheme)])
def test_what_is_forbidden_is_ticked(sign_in: SignIn, session: Session, name: str, model: Any) -> None:
    head = sign_in("head")
    first, *_, last = session.scalars(select(model).order_by(model.rank))
    assert (first.forbidden, last.forbidden) == (False, True)
    data = {f"name-{first.id}-en": "Mine", f"forbidden-{first.id}": "y", f"name-{last.id}-en": "Yours"}
    assert head.post(f"/settings/lists/{name}", data=data).status_code == 303
    session.expire_all()
    assert (first.forbidden, last.forbidden) == (True, False)
    head.post(f"/settings/lists/{name}", data={"do": f"up-{last.id}"})  # says nothing of the ticks
    session.expire_all()
    assert (first.forbidden, last.forbidden) == (True, False)


def test_the_settings_show_their_groups_and_the_pages_of_one(sign_in: SignIn) -> None:
    page = sign_in("head").get("/settings/lists/regions").get_data(as_text=True)
    assert '<a href="/settings/lists/channels" aria-current="true">Lists</a>' in page
    assert '<a href="/settings/lists/regions" aria-current="page">Regions</a>' in page
    assert "/settings/lists/types" not in page and ">Cards and deals</a>" in page
    page = sign_in("admin").get("/settings/calling-out").get_data(as_text=True)
    assert "/settings/prices" not in page and "/settings/lines" not in page
