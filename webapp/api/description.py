"""The OpenAPI 3.1 description, made of the operations that the views declare and of the models they use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.http import HTTP_STATUS_CODES

from webapp.api import outgoing, problems, values

BASE = "/api/v1"
KEY_PATTERN = "^[!-~]{1,80}$"
"""An Idempotency-Key: signs of ASCII that are seen."""
_ALWAYS = (401, 429, 503)


@dataclass(frozen=True)
class Operation:
    """One method of one address. `problems`: the statuses it may answer beside those that any may."""

    method: str
    rule: str
    name: str
    summary: str
    about: str
    answers: type[BaseModel]
    status: int
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    problems: tuple[int, ...]

    @property
    def path(self) -> str:
        """The address below BASE as OpenAPI writes it."""
        return re.sub(r"<int:(\w+)>", r"{\1}", self.rule)

    @property
    def statuses(self) -> Sequence[int]:
        """Every status it may answer that is no success."""
        given = {*_ALWAYS, *self.problems}
        if self.body:
            given |= {400, 403, 409, 413, 415, 422}
        else:
            given.add(422)
        return sorted(given)


OPERATIONS: list[Operation] = []


def openapi() -> dict[str, Any]:
    """The whole description."""
    come = {one.body for one in OPERATIONS if one.body}
    go = {one.answers for one in OPERATIONS} | {outgoing.Problem}
    wanted = [(one, "validation") for one in come] + [(one, "serialization") for one in go]
    wanted.sort(key=lambda pair: pair[0].__name__)
    _names, schemas = models_json_schema(wanted, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Second Ring",
            "version": "1",
            "description": "Cards and touches of the desk for other programs. Times are RFC 3339, texts UTF-8.",
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": one.name, "summary": one.summary}
    if one.about:
        found["description"] = one.about
    if parameters := [*_path(one), *_query(one.query), *_headers(one)]:
        found["parameters"] = parameters
    if one.body:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(one.body)}}}
    answer: dict[str, Any] = {
        "description": HTTP_STATUS_CODES[one.status],
        "content": {"application/json": {"schema": _ref(one.answers)}},
    }
    if one.status == 201:
        answer["headers"] = {"Location": {"required": True, "schema": {"type": "string"}}}
    found["responses"] = {str(one.status): answer} | {
        str(status): {
            "description": HTTP_STATUS_CODES[status],
            "content": {problems.MIMETYPE: {"schema": _ref(outgoing.Problem)}},
        }
        for status in one.statuses
    }
    return found


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _path(one: Operation) -> list[dict[str, Any]]:
    schema = {"type": "integer", "minimum": 1, "maximum": values.LARGEST_ID}
    names = re.findall(r"<int:(\w+)>", one.rule)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    described: Mapping[str, Any] = model.model_json_schema()["properties"]
    return [{"name": name, "in": "query", "schema": _without_null(schema)} for name, schema in described.items()]


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An address can't say null: what may be left out is left out."""
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    found = dict(options[0]) if options else dict(schema)
    found.pop("title", None)
    return found


def _headers(one: Operation) -> list[dict[str, Any]]:
    if one.method != "POST":
        return []
    about = "The same request with the same key within two days makes nothing twice."
    schema = {"type": "string", "pattern": KEY_PATTERN}
    return [{"name": "Idempotency-Key", "in": "header", "description": about, "schema": schema}]
