"""The stream of commands: what the desk asks of the bridges, as server-sent events, at once or not at all.

A command older than TOO_OLD is never sent: by then the talk has moved on, and a late hang-up would end another
moment of it. Every bridge hears every command; it is carried out where its call lives.

The stream also says `changed` when standing plans or the directory are out of date: who has just read the secret of
his softphone types it in at once, and one that is refused does not always try again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Select, func, select

from webapp.calls.models import BridgeCommand
from webapp.feed import Hub

TOO_OLD = timedelta(seconds=10)
KEEPALIVE_SECONDS = 5.0


async def commands(flask_app: Flask, hub: Hub, scope: Any, receive: Any, send: Any) -> None:
    """Serve `GET /bridge/commands` until the bridge leaves. `Last-Event-ID`: the last command it heard."""
    headers = dict(scope["headers"])
    expected = f"Bearer {flask_app.config['BRIDGE_TOKEN']}".encode()
    if not hmac.compare_digest(headers.get(b"authorization", b""), expected):
        await _refuse(send, 401)
        return
    if scope["method"] != "GET":
        await _refuse(send, 405)
        return
    heard = headers.get(b"last-event-id", b"").decode("latin-1")
    after = int(heard) if heard.isascii() and heard.isdigit() and len(heard) < 19 else 0
    with hub.listening(None) as queue:  # subscribe first, then read the past
        newest = (await asyncio.to_thread(hub.rows, select(func.coalesce(func.max(BridgeCommand.id), 0))))[0][0]
        after = min(after, newest)  # the bridge may have heard more of a database that was set back since
        await hub.serve(b": commands\n\n", _pump(flask_app, hub, after, queue, send), send, receive)


async def _refuse(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b""})


async def _pump(flask_app: Flask, hub: Hub, after: int, queue: asyncio.Queue[Any], send: Any) -> None:
    while True:
        for row in await asyncio.to_thread(hub.rows, _fresh(after, flask_app.config["CLOCK"]())):
            after = row.id
            envelope = json.dumps({"command_id": str(row.id), "kind": row.kind, "data": row.data})
            body = f"id: {row.id}\ndata: {envelope}\n\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})
        try:
            news = await asyncio.wait_for(queue.get(), KEEPALIVE_SECONDS)
        except TimeoutError:
            await send({"type": "http.response.body", "body": b": still here\n\n", "more_body": True})
            continue
        if news.kind == "standing":
            await send({"type": "http.response.body", "body": b"event: changed\ndata:\n\n", "more_body": True})


def _fresh(after: int, now: datetime) -> Select[Any]:
    return (
        select(BridgeCommand.id, BridgeCommand.kind, BridgeCommand.data)
        .where(BridgeCommand.id > after, BridgeCommand.made_at > now - TOO_OLD)
        .order_by(BridgeCommand.id)
    )
