"""Another program makes a client and a touch over HTTP: the pages that stand open show them."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import SignIn
from tests.e2e.office import Desk


def test_a_program_makes_a_client_and_a_touch(desk: Desk, sign_in: SignIn) -> None:
    head, anna = sign_in("head"), sign_in("anna")
    head.goto(desk.url + "/settings/api")
    head.locator("#name").fill("website")
    head.locator("#user").select_option(label="Anna Petrova")
    head.locator("#may_write").check()
    head.get_by_role("button", name="Make a token").click()
    secret = head.locator("#secret").inner_text()

    def ask(path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  (our own desk)
            f"{desk.url}/api/v1{path}",
            json.dumps(body).encode() if body else None,
            {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.load(answer)

    anna.goto(desk.url + "/clients")
    expect(anna.locator("#results")).to_contain_text("Rassvet")
    made = ask("/clients", {"name": "Gornyak", "contacts": [{"kind": "email", "value": "info@gornyak.example"}]})
    expect(anna.locator("#results")).to_contain_text("Gornyak")
    anna.goto(desk.url + made["url"])
    lists = ask("/lists")
    meeting = next(one["id"] for one in lists["outcomes"] if not one["closes"])
    touch = {"door": "web", "purpose_id": lists["purposes"][0]["id"], "outcome_id": meeting, "note": "from the site",
             "next_at": "2036-03-11T09:00:00Z"}  # fmt: skip
    ask(f"/clients/{made['id']}/touches", touch)
    expect(anna.locator("main")).to_contain_text("from the site")
    anna.goto(desk.url + "/ledger")
    expect(anna.locator("main")).to_contain_text("Gornyak")
    head.reload()
    expect(head.locator("table")).to_contain_text(re.compile("today"))
