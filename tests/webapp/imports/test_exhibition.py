"""Lists of an exhibition: a region's contacts go to its manager, the others evenly to those chosen (D16)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.webapp.clients.conftest import Maker
from tests.webapp.imports.conftest import Desk, as_csv
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.db import db
from webapp.imports.spread import Spread
from webapp.office.models import Region
from webapp.tasks.models import Task

HEADERS = ("Посетитель", "Телефон", "Регион")


@pytest.fixture
def people(office: dict[str, User]) -> dict[str, int]:
    """Vera has the North; Anna and Boris are of the home city."""
    north = Region(names={"en": "North", "ru": "Север"})
    db.session.add(north)
    db.session.flush()
    office["vera"].region_id = north.id
    ids = {login: user.id for login, user in office.items()}
    db.session.commit()
    return ids


def fair(people: dict[str, int]) -> dict[str, Any]:
    return {"managers": [people["anna"], people["boris"]], "task": "Fair", "due": "2026-03-11T09:00", "channel": "4"}


def visitors(count: int, region: str) -> list[tuple[str, str, str]]:
    start = 10 if region in ("север", "North") else 50
    return [
        (f"Орлов{'абвгдежзик'[n]} {'абвгдежзик'[n] * 3}", f"+7 495 555-{start + n}-77", region) for n in range(count)
    ]


def test_contacts_are_given_out_and_owe_a_touch(heads_desk: Desk, people: dict[str, int], make_card: Maker) -> None:
    known = make_card("Рассвет", ("+7 495 123-45-67",), owner_id=people["boris"]).id
    rows = [HEADERS, *visitors(3, "север"), *visitors(5, "Москва"), ("Белкин", "+7 495 123-45-67", "")]
    import_id = heads_desk.brought(as_csv(rows), "fair.csv", "exhibition")
    page = heads_desk.page(import_id)
    assert 'name="managers"' in page and "Exhibition: fair" in page
    import_ = heads_desk.look_through(import_id, **fair(people))
    assert import_.counts == {"new": 8, "matched": 1}
    given = Counter[int]()
    for key, count in import_.options["given"].items():
        given[int(key.rpartition(":")[2])] += count
    assert given == {people["vera"]: 3, people["anna"]: 3, people["boris"]: 3}
    assert "Who gets how many" in heads_desk.page(import_id)
    heads_desk.run(import_id)
    owners = Counter(db.session.scalars(select(Client.owner_id)))
    assert owners == {people["vera"]: 3, people["anna"]: 3, people["boris"]: 3}
    tasks = db.session.scalars(select(Task).order_by(Task.id)).all()
    assert Counter(task.user_id for task in tasks) == owners
    assert {(task.kind, task.text, task.due_at.isoformat()) for task in tasks} == {
        ("next_touch", "Fair", "2026-03-11T06:00:00+00:00")
    }
    assert known in {task.client_id for task in tasks}
    channels = set(db.session.scalars(select(Client.channel_id).where(Client.id != known)))
    assert channels == {4}


def test_the_same_list_again_gives_nobody_anything(heads_desk: Desk, people: dict[str, int]) -> None:
    rows = [HEADERS, *visitors(2, "North"), *visitors(2, "")]
    heads_desk.take_in(as_csv(rows), kind="exhibition", **fair(people))
    before = [db.session.scalar(select(func.count()).select_from(model)) for model in (Client, Task)]
    again = [(*row[::-1],) for row in rows]  # other columns, other order
    import_ = heads_desk.take_in(as_csv(again[:1] + again[:0:-1]), kind="exhibition", **fair(people))
    assert import_.counts == {"matched": 4}
    assert before == [db.session.scalar(select(func.count()).select_from(model)) for model in (Client, Task)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"managers": []}, "Choose at least one manager"),
        ({"managers": ["999"]}, "Choose at least one manager"),
        ({"task": " "}, "Say what the next touch is for."),
        ({"due": ""}, "Type a date and a time."),
        ({"due": "soon"}, "Type a day and a time"),
        ({"due": "2026-03-10T08:00"}, "This time has passed"),
        ({"due": "0001-01-01T00:00"}, "years away"),
        ({"channel": "999"}, "Choose one of the list."),
    ],
)
def test_what_is_missing_is_said_beside_it(
    heads_desk: Desk, people: dict[str, int], wrong: dict[str, Any], said: str
) -> None:
    import_id = heads_desk.brought(as_csv([HEADERS, *visitors(2, "")]), kind="exhibition")
    typed = {"c0": "full_name", **fair(people), **wrong}
    answer = heads_desk.client.post(f"/clients/imports/{import_id}/mapping", data=typed)
    assert answer.status_code == 422 and said in answer.get_data(as_text=True)
    assert heads_desk.list(import_id).state == "mapping"


def test_the_rest_is_spread_evenly_whatever_regions_get() -> None:
    spread = Spread([1, 2, 3], {7: [1], 8: [4, 5]})
    got = Counter(spread.whose(region) for region in [7] * 10 + [8] * 4 + [None] * 8 + [9])
    assert got == {1: 13, 2: 3, 3: 3, 4: 2, 5: 2}
    assert Spread([], {}).whose(None) is None
