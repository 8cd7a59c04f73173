"""The languages people read here, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask
from flask_babel import Babel, get_locale
from werkzeug.datastructures import LanguageAccept

LANGUAGES = {"en": "English", "ru": "Русский"}
"""Languages with a complete catalogue; Ukrainian and Greek join by adding theirs."""

babel = Babel()


def init(app: Flask, choose: Callable[[], str | None]) -> None:
    """Attach Flask-Babel: `choose` names the reader's language, times are in the office's zone."""
    babel.init_app(
        app,
        default_locale="en",
        default_timezone=str(app.config["SETTINGS"].timezone),
        locale_selector=choose,
    )


def best(accepted: LanguageAccept) -> str:
    """The best of our languages for a browser."""
    return accepted.best_match(list(LANGUAGES), "en")


def in_reader_language(texts: Mapping[str, str]) -> str:
    """The text for the reader, else the English, else any; '' when there is none."""
    locale = get_locale()
    wanted = locale.language if locale else "en"
    return texts.get(wanted) or texts.get("en") or next((t for t in texts.values() if t), "")
