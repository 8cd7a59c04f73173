"""The desk: clients, scripts, roster and ledger behind the manager's one page. It knows nothing of SIP."""

from __future__ import annotations

import importlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from flask_wtf.csrf import CSRFProtect

from webapp import clock, config, errors, hx, languages, pages, tables  # noqa: F401
from webapp.access import RowId, login_manager
from webapp.db import ReadingRequests, db
from webapp.typed import CleanRequest

PARTS = (
    "accounts",
    "softphones",
    "office",
    "sounds",
    "calls",
    "telephones",
    "bridge_api",
    "clients",
    "quick",
    "worklists",
    "doubles",
    "jobs",
    "imports",
    "exports",
    "deals",
    "history",
    "rules",
    "privacy",
    "touches",
    "mail",
    "letters",
    "tasks",
    "roster",
    "presence",
    "simulator",
    "missed",
    "calendars",
    "notices",
    "now",
    "reception",
    "scripts",
    "recordings",
    "reports",
    "desk",
    "switchboard",
    "health",
    "api",
    "tokens",
)
"""Packages with tables or pages; each may have `models.py` and has `views.py` with its blueprint `bp`."""

csrf = CSRFProtect()


def create_app(settings: config.Config | None = None, **overrides: Any) -> Flask:
    """The Flask application for `settings` (default: the environment's). `overrides` are Flask config values."""
    settings = settings or config.load()
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(__name__)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=config.secret(settings.data, "secret_key"),
        BRIDGE_TOKEN=config.secret(settings.data, "bridge_token"),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        # A server that was started anew has cut its connections: nobody's page shall be the one to find out.
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_pre_ping": settings.database_url.startswith("postgresql"),
            "hide_parameters": True,  # what somebody wrote does not come into a log by an error's message
        },
        CLOCK=clock.now,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME=f"secondring_{settings.web[1]}",  # several instances on one host keep apart
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        MAX_CONTENT_LENGTH=25 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=8 * 1024 * 1024,  # a list of ten thousand lines may be pasted
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open over a weekend
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
    )
    app.config.update(overrides)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    db.init_app(app)
    flask_migrate.Migrate(
        app, db, directory=str(Path(__file__).parent / "migrations"), render_as_batch=True, compare_type=True
    )
    login_manager.init_app(app)
    csrf.init_app(app)
    hx.init(app)
    app.request_class = CleanRequest
    errors.init(app)
    pages.init(app)
    app.url_map.converters["int"] = RowId
    for part in PARTS:
        views = importlib.import_module(f"webapp.{part}.views")
        app.register_blueprint(views.bp)
    languages.init(app, importlib.import_module("webapp.accounts.views").reader_language)
    app.wsgi_app = ReadingRequests(app.wsgi_app)  # type: ignore[method-assign]
    return app
