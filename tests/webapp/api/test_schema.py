"""The description and the API say the same: a schema tester sends what fits and what doesn't, and looks at each answer.

It knows nothing of what ids mean in this office, so that real ones are put in place of some it made up.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.webapp.api.conftest import TokenOf
from tests.webapp.clients.conftest import make_card  # noqa: F401
from tests.webapp.conftest import Clock
from webapp.api import description
from webapp.clients.models import Client
from webapp.touches.models import Touch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st
    from schemathesis import openapi
    from schemathesis.specs.openapi.checks import positive_data_acceptance

OPERATIONS = ["GET /me", "GET /lists", "GET /clients", "GET /clients/{client_id}", "POST /clients",
    "PATCH /clients/{client_id}",
    "GET /clients/{client_id}/touches", "POST /clients/{client_id}/touches", "GET /touches", "POST /touches",
    "GET /touches/{touch_id}"]  # fmt: skip
ALL = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip


@pytest.fixture
def schema(app: Flask, session: Session, make_card: Callable[..., Client], clock: Clock) -> Any:  # noqa: F811
    app.config["API_PER_MINUTE"] = 10**9
    first, merged = make_card("Rassvet", ("+7 495 123-45-67",), surname="Orlov"), make_card("Rassvet two")
    merged.merged_into_id = first.id
    session.add(Touch(door="mail", started_at=clock(), client_id=first.id, note="hello"))
    session.commit()
    return openapi.from_wsgi("/api/v1/openapi.json", app)


def test_the_tester_knows_every_operation(schema: Any) -> None:
    found = {f"{one.ok().method.upper()} {one.ok().path}" for one in schema.get_all_operations()}
    assert found == set(OPERATIONS) == {f"{one.method} {one.path}" for one in description.OPERATIONS}


RULES = {
    "Type at least a name, a phone or an e-mail.",
    "Type a name.",
    "Choose one of the list.",
    "There is no such field.",
    "There is no such client.",
    "This client has no such person.",
    "This lies in the future.",
    "Why did they call?",
    "How did it end?",
    "When is the next touch?",
    "When is the next touch? This outcome leaves the matter open.",
    "This time has passed; choose a later one.",
    "No e-mail ends with a dot: take it off.",
    "Type a phone, an e-mail or another address.",
}
"""What no description can say: the rules of the trade and what is in this office's lists."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_api_does_as_it_is_described(
    schema: Any, operation: str, token_of: TokenOf, ids: dict[str, int], clock: Clock
) -> None:
    method, path = operation.split()
    headers, tried = {"Authorization": f"Bearer {token_of('head')}"}, Counter[int]()
    one = schema[path][method]
    modes = schemathesis.GenerationMode
    next_at = (clock() + timedelta(days=1)).isoformat()

    def real(case: Any, draw: Callable[[Any], Any]) -> None:
        """Something of this office in place of what was made up, half of the time."""
        body = case.body
        if case.meta.generation.mode != modes.POSITIVE:
            return
        if case.path_parameters and draw(st.booleans()):
            case.path_parameters = {name: draw(st.sampled_from((1, 2))) for name in case.path_parameters}
        if isinstance(body, dict) and draw(st.booleans()):
            for name in [name for name in body if name.endswith("_id")]:
                body[name] = None
            if "door" in body:
                body |= {"purpose_id": ids["price"], "outcome_id": ids["meeting"], "next_at": next_at}
                body.pop("started_at", None)
            else:
                body.pop("extra", None)
                body.pop("was", None)

    @ALL
    @given(st.data())
    def check(data: Any) -> None:
        case = data.draw(one.as_strategy(modes.POSITIVE) | one.as_strategy(modes.NEGATIVE))
        real(case, data.draw)
        answer = case.call(headers=headers)
        tried[answer.status_code] += 1
        ruled = answer.status_code == 422 and {error["message"] for error in answer.json()["errors"]} <= RULES
        left_out = [positive_data_acceptance] if ruled else None
        case.validate_response(answer, excluded_checks=left_out, headers=headers)

    check()
    assert any(status < 300 for status in tried), tried
