"""The report: its figures, how a median is taken, and that every figure opens the rows it counts."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.missed.conftest import Miss
from webapp.accounts.models import User
from webapp.missed import report

SignIn = Callable[[str], FlaskClient]


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [
        ([7], 50, 7), ([1, 2, 3, 4], 50, 2), ([5, 1, 3, 2, 4], 50, 3), ([1, 2, 3, 4], 100, 4), ([1, 2, 3], 0, 1),
        (list(range(1, 11)), 90, 9), (list(range(1, 11)), 91, 10),
    ],
)  # fmt: skip
def test_the_nearest_rank_is_one_of_the_values(values: list[float], percent: float, found: float) -> None:
    assert report.percentile(values, percent) == found


def test_no_values_have_no_rank() -> None:
    with pytest.raises(ValueError, match="no values"):
        report.percentile([], 50)


@pytest.fixture
def a_morning(miss: Miss) -> None:
    """Seven callers since 9:00: two wait, two were rung back, one rang again, two were closed with a reason."""
    miss("+74950000001", 10, on="anna")
    miss("+74950000001", 40, on="boris")
    miss("+74950000002", 20, on="boris")
    miss("+74950000003", 150, on="anna", back=4, by="anna")
    miss("+74950000004", 140, on="anna", back=30, by="boris")
    miss("+74950000005", 130, on="boris", back=6, by="boris", how="in")
    miss("+74950000006", 100, on="anna", back=1, reason="A robot")
    miss("+74950000007", 90, on="anna", back=2, reason="A robot")
    miss("+74950000008", 60 * 24 * 40, on="anna", back=500, by="anna")  # not of this month


def figures(page: str) -> dict[str, str]:
    found = re.findall(r'<dt>([^<]+)</dt><dd>\s*<a href="[^"]+">([^<]+)</a>', page)
    return {name: value for name, value in found}


def test_figures(sign_in: SignIn, a_morning: None) -> None:
    page = sign_in("head").get("/missed/report?period=day").get_data(as_text=True)
    assert figures(page) == {
        "Callers missed": "7",
        "Wait still": "2",
        "Rung back, spoken with": "2",
        "Rang again, spoken with": "1",
        "Closed with a reason": "2",
        "Half within": "6",
        "The longest": "30",
        "Spoken with": "3",
    }
    assert "8 calls" in page and "small sample" in page
    rows = re.findall(r"<tr><td>([A-Z]\w+ \w+)</td>(.*?)</tr>", page, re.S)
    people = {name: re.findall(r">([\d—]+)<", re.sub(r"\s", "", cells)) for name, cells in rows}
    assert people["Anna Petrova"][:3] == ["5", "1", "1"] and people["Boris Ivanov"][:3] == ["3", "2", "2"]


def test_every_figure_opens_its_rows(sign_in: SignIn, a_morning: None) -> None:
    head = sign_in("head")
    page = head.get("/missed/report?period=day").get_data(as_text=True)
    links = re.findall(r'<a href="(/missed\?[^"]+)">(\d+)</a>', page)
    assert len(links) >= 15
    for address, count in links:
        if "how=talk" in address and "by=" not in address:
            continue  # minutes, whose rows are those of the count beside them
        shown = head.get(html.unescape(address)).get_data(as_text=True)
        assert len(re.findall('<tr class="lost[ "]', shown)) == int(count), address


def test_nobody_was_missed(sign_in: SignIn, office: dict[str, User]) -> None:
    page = sign_in("head").get("/missed/report").get_data(as_text=True)
    assert "Nobody was missed" in page
    bad = sign_in("head").get("/missed/report?period=range&day=2026-03-02&until=2026-03-01")
    assert bad.status_code == 422 and "before the first" in bad.get_data(as_text=True)


def test_reasons_do_not_stand_in_addresses(sign_in: SignIn, a_morning: None, session: Session) -> None:
    page = sign_in("head").get("/missed/report?period=day").get_data(as_text=True)
    assert "A robot" in page and "robot" not in "".join(re.findall(r'href="([^"]+)"', page)).lower()
