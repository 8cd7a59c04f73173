"""Lines and regions as forms and addresses name them."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.office.models import Line, Region
from webapp.roster import places
from webapp.roster.places import GENERAL, Place


@pytest.mark.parametrize("place", [GENERAL, Place(line_id=3), Place(region_id=2)])
def test_a_code_names_its_place(place: Place) -> None:
    assert places.parse(place.code) == place


@pytest.mark.parametrize("code", ["", "line-", "line-x", "LINE-3", "region--2", "line-٣", "line-9999999999"])
def test_what_names_no_place_is_all_calls(code: str) -> None:
    assert places.parse(code) == GENERAL


def test_what_is_retired_can_be_kept_and_not_chosen(session: Session, office: dict[str, User]) -> None:
    line, region = Line(name="ads", title="", active=False), Region(names={"en": "North"}, rank=9, active=True)
    session.add_all([line, region])
    session.flush()
    chosen = dict(places.choices(session))
    assert chosen[""] == "All calls" and chosen[f"region-{region.id}"] == "North" and f"line-{line.id}" not in chosen
    assert dict(places.choices(session, Place(line_id=line.id)))[f"line-{line.id}"] == "ads", (
        "a name stands for a title"
    )
    assert places.named(session, [f"line-{line.id}", "line-999"]) == {f"line-{line.id}": "ads"}
