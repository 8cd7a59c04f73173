"""What the API answers when it can't do as asked: problem details (RFC 9457), with the fields at fault."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response
from pydantic import ValidationError
from werkzeug.http import HTTP_STATUS_CODES

MIMETYPE = "application/problem+json"


class Problem(Exception):
    """Ends a request. `errors` are (field, message) pairs, `more` further members of the answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        self.errors = [{"field": field, "message": message} for field, message in errors]
        self.more = more

    def response(self) -> Response:
        """The answer."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTP_STATUS_CODES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        text = json.dumps(body | self.more, ensure_ascii=False)
        return Response(text, self.status, {"Cache-Control": "no-store", **self.headers}, mimetype=MIMETYPE)


def invalid(errors: Iterable[tuple[str, str]]) -> Problem:
    """What was sent doesn't fit."""
    return Problem(422, "Some fields do not fit; each error names its field.", errors)


def of_validation(error: ValidationError) -> Problem:
    """The same from what pydantic found. Values are not repeated: they are personal data."""
    if any(one["type"] == "json_invalid" for one in error.errors(include_url=False, include_input=False)):
        return Problem(400, "The body is not JSON in UTF-8.")
    return invalid(
        (".".join(str(part) for part in one["loc"]), one["msg"])
        for one in error.errors(include_url=False, include_input=False)
    )
