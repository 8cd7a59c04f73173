"""The languages people read here, and how one is chosen."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, has_request_context, request, session
from flask_babel import Babel, get_locale
from flask_login import current_user
from werkzeug.datastructures import LanguageAccept

LANGUAGES = {"en": "English", "ru": "Русский"}
"""Languages with a complete catalogue; Ukrainian and Greek join by adding theirs."""

babel = Babel()


def init(app: Flask) -> None:
    """Attach Flask-Babel: the user's own language, else the browser's; the office's time zone."""
    babel.init_app(
        app,
        default_locale="en",
        default_timezone=str(app.config["SETTINGS"].timezone),
        locale_selector=_choose,
    )


def _choose() -> str | None:
    if not has_request_context():
        return None
    if current_user and current_user.is_authenticated and current_user.language in LANGUAGES:
        return str(current_user.language)
    if session.get("language") in LANGUAGES:
        return str(session["language"])
    return best(request.accept_languages)


def best(accepted: LanguageAccept) -> str:
    """The best of our languages for a browser."""
    return accepted.best_match(list(LANGUAGES), "en")


def in_reader_language(texts: Mapping[str, str]) -> str:
    """The text for the reader, else the English, else any; '' when there is none."""
    locale = get_locale()
    wanted = locale.language if locale else "en"
    return texts.get(wanted) or texts.get("en") or next((t for t in texts.values() if t), "")
