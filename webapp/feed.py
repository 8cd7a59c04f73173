"""What browsers hear: the replay log, the wake-up, and the live stream.

A row of `feed` says *what* happened and to which id, never the content; the page fetches its own part. The row is
written in the transaction of the change it announces, so it appears if and only if the change did. A stream
replays from the last id it heard, and the server keeps nothing about it.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import Coroutine, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, create_engine, delete, event, func, insert, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime, libpq, only_reading

KEEP_FOR = timedelta(days=2)
POLL_SECONDS = 0.25
KEEPALIVE_SECONDS = 15.0


class Feed(Model):
    """One announcement to one user (None: to no page, see KINDS). Ids grow in the order they become visible."""

    __tablename__ = "feed"
    __table_args__ = (Index("ix_feed_user_id_id", "user_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    ref: Mapped[str] = mapped_column(String(80), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


KINDS = ("call", "card", "tasks", "roster", "office", "standing", "command", "job", "now", "remind", "mail")
"""call: a call of mine changed (ref: its id); card: a client changed; tasks: my lists changed;
roster: who is on duty changed; office: settings changed; standing (to None): standing plans are out of date;
command (to None): something is asked of the bridges; job: long work I asked for went on; now (to heads and
secretaries): a call or somebody's presence changed; remind: a task of mine is due (ref: its id); mail: a letter of
mine went, or did not."""


def announce(session: Session, users: Iterable[int | None], kind: str, ref: object, at: datetime) -> None:
    """Tell `users` (ids, or None) that `kind` happened to `ref`. Takes effect with the commit."""
    rows = [{"user_id": user, "kind": kind, "ref": str(ref), "at": at} for user in dict.fromkeys(users)]
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        # Ids must become visible in order, else a stream that read a higher one skips the lower.
        session.execute(text("select pg_advisory_xact_lock(5117)"))
        session.execute(text("select pg_notify('feed', '')"))
    session.execute(insert(Feed), rows)


def announce_all(session: Session, kind: str, ref: object, at: datetime) -> None:
    """Tell every active user."""
    announce(session, session.scalars(select(User.id).where(User.active)), kind, ref, at)


def last_id(session: Session) -> int:
    """The newest row's id; a page rendered now has seen everything up to it."""
    return session.scalar(select(func.coalesce(func.max(Feed.id), 0))) or 0


def prune(session: Session, now: datetime) -> int:
    """Forget rows older than KEEP_FOR; returns how many."""
    return session.execute(delete(Feed).where(Feed.at < now - KEEP_FOR)).rowcount or 0  # type: ignore[attr-defined]


@event.listens_for(Session, "after_commit")
def _wake_after_commit(session: Session) -> None:
    for hub in list(_hubs):
        hub.wake_soon()


_hubs: set[Hub] = set()


def end_streams() -> None:
    """End the live streams of this process; called on the loop when it is about to stop."""
    for hub in _hubs:
        hub.end_streams()


class Hub:
    """One a process: reads new rows once and fans them out to the streams of their user."""

    def __init__(self, database_url: str) -> None:
        self.engine: Engine = create_engine(database_url)
        self.listeners: dict[int | None, set[asyncio.Queue[Any]]] = collections.defaultdict(set)
        self.last = 0
        self._awake = asyncio.Event()
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to follow the table from its end."""
        self._loop = asyncio.get_running_loop()
        self.last = await asyncio.to_thread(self._newest)
        _hubs.add(self)
        self._tasks = [asyncio.create_task(self._follow())]
        if self.engine.dialect.name == "postgresql":
            self._tasks.append(asyncio.create_task(self._listen()))

    async def stop(self) -> None:
        """End every task and let go of the database."""
        _hubs.discard(self)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.engine.dispose()

    def end_streams(self) -> None:
        """Let every stream come to its end; called on the loop. Pages ask again by themselves."""
        self._ending.set()

    def wake_soon(self) -> None:
        """Look at the table now; callable from any thread."""
        if self._loop and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._awake.set)

    def read(self, after: int, user_id: int | None = None) -> list[Any]:
        """Rows past `after`, oldest first: of one user, or of everybody."""
        query = select(Feed.id, Feed.user_id, Feed.kind, Feed.ref).where(Feed.id > after).order_by(Feed.id)
        if user_id is not None:
            query = query.where(Feed.user_id == user_id)
        return self.rows(query)

    def rows(self, query: Select[Any]) -> list[Any]:
        """What `query` finds, on a connection of its own that waits for no writer."""
        with only_reading(), self.engine.connect() as connection:
            return list(connection.execute(query))

    def _newest(self) -> int:
        with only_reading(), Session(self.engine) as session:
            return last_id(session)

    async def _follow(self) -> None:
        """Read on when woken, and now and then anyway: another process may have written."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), POLL_SECONDS)
            self._awake.clear()
            try:
                rows = await asyncio.to_thread(self.read, self.last)
            except Exception:  # the database is away: the streams stay, the rows come later
                await asyncio.sleep(1)
                continue
            for row in rows:
                self.last = row.id
                for queue in self.listeners.get(row.user_id, ()):
                    queue.put_nowait(row)

    async def _listen(self) -> None:
        """PostgreSQL: other processes' commits wake us at once."""
        import psycopg

        address = libpq(self.engine.url.render_as_string(hide_password=False))
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                async with await psycopg.AsyncConnection.connect(**address, autocommit=True) as connection:
                    await connection.execute("listen feed")
                    self._awake.set()  # for what came while nobody listened
                    async for _ in connection.notifies():
                        self._awake.set()
            await asyncio.sleep(1)

    async def stream(self, user_id: int, after: int | None, send: Any, receive: Any) -> None:
        """Serve one server-sent-events stream until its reader leaves. `after`: the last id it heard, if any."""
        with self.listening(user_id) as queue:  # subscribe first, then read the past, then drop what came twice
            await self.serve(b"retry: 1500\n\n", self._pump(user_id, after, queue, send), send, receive)

    @contextlib.contextmanager
    def listening(self, user_id: int | None) -> Iterator[asyncio.Queue[Any]]:
        """A queue of the rows to come of one user, or (None) of those that are for no page."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self.listeners[user_id].add(queue)
        try:
            yield queue
        finally:
            self.listeners[user_id].discard(queue)
            if not self.listeners[user_id]:
                del self.listeners[user_id]

    async def serve(self, first: bytes, pump: Coroutine[Any, Any, None], send: Any, receive: Any) -> None:
        """Answer with server-sent events: `first`, then what `pump` sends, until either side ends."""
        await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        tasks = [
            asyncio.create_task(pump),
            asyncio.create_task(_until_gone(receive)),
            asyncio.create_task(self._ending.wait()),
        ]
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})

    async def _pump(self, user_id: int, after: int | None, queue: asyncio.Queue[Any], send: Any) -> None:
        sent = self.last if after is None else after
        rows = [] if after is None else await asyncio.to_thread(self.read, after, user_id)
        while True:
            for row in rows:
                if row.id > sent:
                    sent = row.id
                    body = f"id: {row.id}\nevent: {row.kind}\ndata: {row.ref}\n\n".encode()
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            try:
                rows = [await asyncio.wait_for(queue.get(), KEEPALIVE_SECONDS)]
            except TimeoutError:
                rows = []
                await send({"type": "http.response.body", "body": b": still here\n\n", "more_body": True})


_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
