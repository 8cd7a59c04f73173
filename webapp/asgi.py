"""The web process: Flask in threads, and beside it the live streams of pages and bridges, native async."""

from __future__ import annotations

import asyncio
import contextvars
import urllib.parse
from http.cookies import CookieError, SimpleCookie
from typing import Any

from a2wsgi import WSGIMiddleware
from flask import Flask
from itsdangerous import BadSignature
from sqlalchemy import select

from webapp.accounts.models import User
from webapp.bridge_api.stream import commands
from webapp.db import db, only_reading
from webapp.feed import Hub

THREADS = 24


def make_asgi(flask_app: Flask) -> Any:
    """The ASGI application around `flask_app`: `/events` and `/bridge/commands` are streams, the rest Flask."""
    pages = WSGIMiddleware(flask_app, workers=THREADS)  # type: ignore[arg-type]
    hub: Hub | None = None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal hub
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                if message["type"] == "lifespan.startup":
                    hub = Hub(flask_app.config["SQLALCHEMY_DATABASE_URI"])
                    await hub.start()
                    await send({"type": "lifespan.startup.complete"})
                else:
                    if hub:
                        await hub.stop()
                    await send({"type": "lifespan.shutdown.complete"})
                    return
        elif scope["type"] == "http" and scope["path"] == "/events" and hub:
            await _stream(flask_app, hub, scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/bridge/commands" and hub:
            await commands(flask_app, hub, scope, receive, send)
        else:
            # Whoever reads a large body in Flask leaves Flask's context in the connection's reader, and so in whatever
            # comes next on that connection: it would be answered as if the same user had asked.
            await asyncio.create_task(pages(scope, receive, send), context=contextvars.Context())

    return app


async def _stream(flask_app: Flask, hub: Hub, scope: Any, receive: Any, send: Any) -> None:
    headers = dict(scope["headers"])
    user_id = await asyncio.to_thread(_user_of, flask_app, headers.get(b"cookie", b"").decode("latin-1"))
    if user_id is None:
        # 204 tells a browser's EventSource to stop asking; the login page is for pages
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await hub.stream(user_id, _last_heard(headers, scope["query_string"]), send, receive)


def _last_heard(headers: dict[bytes, bytes], query: bytes) -> int | None:
    """The larger of `Last-Event-ID` and `?after=`: a rebuilt EventSource forgets the header, not the address."""
    asked = urllib.parse.parse_qs(query.decode("latin-1")).get("after", [])
    heard = [headers.get(b"last-event-id", b"").decode("latin-1"), *asked]
    numbers = [int(value) for value in heard if value.isascii() and value.isdigit() and len(value) < 19]
    return max(numbers) if numbers else None


def _user_of(flask_app: Flask, cookie_header: str) -> int | None:
    """The active user of the session cookie, read as Flask reads it, without keeping a connection."""
    try:
        cookie = SimpleCookie(cookie_header)[flask_app.config["SESSION_COOKIE_NAME"]].value
        serializer = flask_app.session_interface.get_signing_serializer(flask_app)  # type: ignore[attr-defined]
        max_age = int(flask_app.permanent_session_lifetime.total_seconds())
        session = serializer.loads(cookie, max_age=max_age)
        user_id = int(session["_user_id"])
    except (CookieError, BadSignature, KeyError, ValueError, TypeError):
        return None
    with only_reading(), flask_app.app_context():
        return db.session.scalar(select(User.id).where(User.id == user_id, User.active))
