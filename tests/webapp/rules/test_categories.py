"""The head says what each category calls for."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from webapp.languages import LANGUAGES
from webapp.rules import categories

SignIn = Callable[[str], FlaskClient]


def form(**changed: str) -> dict[str, str]:
    names = [f"{what}-{letter}-{code}" for what in ("meaning", "actions") for letter in "ABC" for code in LANGUAGES]
    return {name: changed.get(name.replace("-", "_"), f"words of {name}") for name in names}


def test_words_are_kept_by_language(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    assert "Visit them." in head.get("/settings/categories").get_data(as_text=True)
    assert head.post("/settings/categories", data=form(actions_A_ru="", actions_A_en="  Visit  ")).status_code == 303
    session.expire_all()
    rows = categories.all_of_them(session)
    assert rows["A"].actions == {"en": "Visit"} and rows["C"].meanings["ru"] == "words of meaning-C-ru"


def test_what_is_too_long_comes_back(sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    answer = head.post("/settings/categories", data=form(actions_B_en="x" * 401))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "At most 400" in page and "x" * 401 in page and "words of meaning-A-ru" in page
    session.expire_all()
    assert categories.all_of_them(session)["A"].actions["en"].startswith("Visit them")
    assert head.post("/settings/categories", data={}).status_code == 400
