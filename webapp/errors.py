"""Error pages in the reader's language, for whole pages and for parts alike."""

from __future__ import annotations

import structlog
from flask import Flask, Response, render_template
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from webapp import hx
from webapp.api.problems import Problem
from webapp.db import db

log = structlog.get_logger()
_PROGRAMS = {
    404: "There is no such thing.",
    405: "This method is not for this address.",
    413: "The body is too large.",
}
"""What programs are told, by status."""


def init(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _expired)


def _expired(error: CSRFError) -> tuple[str, int]:
    return _show(400, _("The page has been open too long"), _("Reload it and try again; what you saved is kept."))


def _http_error(error: HTTPException) -> tuple[str, int] | Response:
    code = error.code or 500
    if isinstance(error, InternalServerError):
        db.session.rollback()
        log.error("request failed", kind=type(error.original_exception).__name__)
    if hx.asked_by_program():
        allowed = error.get_response().headers.get("Allow")
        detail = _PROGRAMS.get(code, "Something broke here.")
        return Problem(code, detail, headers={"Allow": allowed} if allowed else None).response()
    titles = {
        400: (_("The server did not understand that"), _("Reload the page and try again.")),
        403: (_("This page is not for your role"), _("Ask the administrator if you need it.")),
        404: (
            _("There is no such page"),
            _("It may have been moved or deleted, or the address has a slip in it."),
        ),
        405: (_("The server did not understand that"), _("Reload the page and try again.")),
        413: (_("The file is too big"), _("Choose one of at most 20 MB.")),
        429: (_("Too many tries"), _("Wait a little and try again.")),
    }
    return _show(code, *titles.get(code, (_("Something broke here"), _("It is written down. Try again in a moment."))))


def _show(code: int, title: str, advice: str) -> tuple[str, int]:
    template = "_error.html" if hx.asked_by_htmx() else "error.html"
    return render_template(template, code=code, title=title, advice=advice), code
