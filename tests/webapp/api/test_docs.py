"""What docs/api.md shows is true."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.webapp.api.conftest import Program
from webapp.api import description, views, writing

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_examples_work(program: Callable[..., Program]) -> None:
    one = program()
    examples = re.findall(r"```\n(GET|POST|PATCH) /api/v1(\S+)\n(.*?)```", TEXT, re.S)
    assert len(examples) == 4
    for method, path, rest in examples:
        if method == "GET":
            assert one.get(path).status_code == 200
            continue
        head, body = rest.split("\n\n", 1) if not rest.startswith("\n") else ("", rest)
        key = re.search(r"Idempotency-Key: (\S+)", head)
        if method == "PATCH":
            assert one.patch(path, json.loads(body)).status_code == 200
            continue
        answer = one.post(path, json.loads(body), key=key[1] if key else None)
        assert answer.status_code == 201, answer.json


def test_its_figures_are_those_of_the_code() -> None:
    assert f"{views.PER_MINUTE} requests a minute" in TEXT.replace("\n", " ")
    assert f"{views.MOST_BYTES // 1024} KB" in TEXT
    assert writing.REMEMBERED.days == 2
    for path in re.findall(r"`(?:GET )?(/(?:clients|touches)[^` ]*)`", TEXT):
        assert any(re.sub(r"\{\w+\}", "{id}", one.path) == path for one in description.OPERATIONS), path
