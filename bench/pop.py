"""INVITE on the wire -> event at the listener -> painted in Chromium, with 100,000 cards and 200 listeners.

Beside it a floor: one asyncio program that receives the datagram and writes the event to the same kind of listener,
without parsing, matching, storing or deciding anything. Same caller, same listeners, same browser, same run.
Run as `python -m bench.pop [--short]`. Aim: at most three times the floor.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.caller import Caller, percentiles
from tests.e2e.installation import Installation, wait_for
from tests.ports import free_port

LISTENERS = 200
CARDS, CARDS_SHORT = 100_000, 10_000
CALLS, CALLS_SHORT = 100, 30
PAINTED = """async (selector) => {
  // The clock of the page, at the first frame in which something new matches the selector.
  const before = new Set([...document.querySelectorAll(selector)].map((node) => node.dataset.call || node.id));
  return await new Promise((resolve) => {
    const look = () => {
      const fresh = [...document.querySelectorAll(selector)].some((n) => !before.has(n.dataset.call || n.id));
      if (fresh) requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
      return fresh;
    };
    const observer = new MutationObserver(() => { if (look()) observer.disconnect(); });
    observer.observe(document.body, { childList: true, subtree: true, attributes: true });
    look();
  });
}"""
FLOOR_PAGE = """<!doctype html><title>floor</title><body><script src="/page.js"></script></body>"""
FLOOR_SCRIPT = """new EventSource("/events").addEventListener("call", (event) => {
  const node = document.createElement("p"); node.className = "pop"; node.id = event.data;
  node.textContent = event.data; document.body.append(node);
});"""


class Listener:
    """One reader of server-sent events that notes when each event came."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.cookie = port, cookie
        self.heard: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
        self.writer: asyncio.StreamWriter | None = None

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen until cancelled."""
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(f"GET /events HTTP/1.1\r\nHost: x\r\nCookie: {self.cookie}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        ready()
        while line := await reader.readline():
            if line.startswith(b"data: "):
                self.heard.put_nowait((time.monotonic(), line[6:].decode().strip()))


async def floor(sip_port: int, web_port: int) -> None:
    """The floor program: a datagram in, an event out to the first listener, a ring answered by nobody."""
    streams: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:  # somebody looked whether we are there
            writer.close()
            return
        if head.startswith("GET /events"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1000\n\n")
            await writer.drain()
            if "first=1" in head or "Chrom" in head:
                streams.insert(0, writer)
            await reader.read()
            streams[:] = [stream for stream in streams if stream is not writer]
            return
        body = (FLOOR_SCRIPT if "page.js" in head else FLOOR_PAGE).encode()
        kind = "text/javascript" if "page.js" in head else "text/html"
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    class Wire(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.count = 0

        def datagram_received(self, data: bytes, address: Any) -> None:
            self.count += 1
            for stream in streams:
                stream.write(f"id: {self.count}\nevent: call\ndata: {self.count}\n\n".encode())

    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Wire, local_addr=("127.0.0.1", sip_port))
    server = await asyncio.start_server(serve, "127.0.0.1", web_port)
    await server.serve_forever()


def measure_listener(
    web_port: int, cookies: list[str], call: Callable[[], tuple[Any, float]], times: int, hang_up: Callable[[Any], None]
) -> list[float]:
    """Seconds from INVITE to the first event at the first of `cookies`, while all of them listen."""

    async def run() -> list[float]:
        listeners = [Listener(web_port, cookie) for cookie in cookies]
        ready = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(listener.run(ready.release)) for listener in listeners]
        for _ in listeners:
            await asyncio.wait_for(ready.acquire(), 30)
        taken = []
        for _ in range(times):
            while not listeners[0].heard.empty():
                listeners[0].heard.get_nowait()
            handle, started = await asyncio.to_thread(call)
            at, _ref = await asyncio.wait_for(listeners[0].heard.get(), 10)
            taken.append(at - started)
            await asyncio.to_thread(hang_up, handle)
            await _quiet(listeners[0])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return taken

    return asyncio.run(run())


async def _quiet(listener: Listener) -> None:
    """Until the events of the hang-up have passed."""
    while True:
        try:
            await asyncio.wait_for(listener.heard.get(), 0.15)
        except TimeoutError:
            return


def measure_painted(
    page: Any,
    selector: str,
    call: Callable[[], tuple[Any, float]],
    times: int,
    hang_up: Callable[[Any], None],
    gone: Callable[[Any], None],
) -> list[float]:
    """Seconds from INVITE to the frame in which the call is on the page."""
    offset = time.time() - time.monotonic()
    taken = []
    for _ in range(times):
        result: list[tuple[Any, float]] = []
        page.evaluate("window.__painted = null")
        page.evaluate(f"(selector) => {{ window.__painted = ({PAINTED})(selector); }}", selector)
        result.append(call())
        at = page.evaluate("() => window.__painted") / 1000 - offset
        taken.append(at - result[0][1])
        hang_up(result[0][0])
        gone(page)
    return taken


def seed(installation: Installation, cards: int) -> tuple[list[str], str]:
    """Users, a roster and `cards` cards; returns session cookies (the duty manager's first) and their name."""
    import flask_migrate

    from bench.book import fill
    from webapp import clock
    from webapp.accounts.models import User
    from webapp.db import db
    from webapp.office import defaults
    from webapp.roster.models import Shift

    app = installation.app()
    with app.app_context():
        flask_migrate.upgrade()
        session = db.session()
        defaults.create(session, "Bench", "en").ring_seconds = 5
        extension = f"sip:nobody@127.0.0.1:{free_port()}"
        users = [
            User(
                login=f"user{n}",
                name=f"User {n}",
                role="manager",
                password_hash="",
                extension=extension if not n else "",
            )
            for n in range(LISTENERS)
        ]
        session.add_all(users)
        session.flush()
        now = clock.now()
        session.add(Shift(user_id=users[0].id, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=20)))
        session.commit()
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        name = app.config["SESSION_COOKIE_NAME"]
        cookies = [serializer.dumps({"_user_id": str(user.id), "_fresh": True}) for user in users]
        db.session.remove()
        db.engine.dispose()
        fill(db.engine, cards)
    return cookies, name


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--floor", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        asyncio.run(floor(*options.floor))
        return
    cards, calls = (CARDS_SHORT, CALLS_SHORT) if options.short else (CARDS, CALLS)
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        cookies, cookie_name = seed(installation, cards)
        sip_port, web_port = free_port(), free_port()
        command = [sys.executable, "-m", "bench.pop", "--floor", str(sip_port), str(web_port)]
        floor_process = subprocess.Popen(command, env=installation.environ)
        try:
            installation.start("web")
            installation.start("bridge")
            wait_for(lambda: _answers(web_port))
            with Caller(("127.0.0.1", sip_port)) as blind, Caller(("127.0.0.1", installation.sip_port)) as caller:
                blind_call, blind_end = _one_way(blind)
                real_call, real_end = _real(caller)
                headers = [f"{cookie_name}={cookie}" for cookie in cookies]
                rows["floor"] = measure_listener(web_port, ["first=1", *headers[1:]], blind_call, calls, blind_end)
                rows["desk"] = measure_listener(installation.web_port, headers, real_call, calls, real_end)
                if shutil.which("chromium"):
                    rows |= _in_chromium(
                        installation,
                        web_port,
                        (cookie_name, cookies[0]),
                        (blind_call, blind_end),
                        (real_call, real_end),
                        calls,
                    )
        finally:
            floor_process.terminate()
            floor_process.wait(5)
            installation.close()
    _report(rows, cards, calls)


def _one_way(caller: Caller) -> tuple[Callable[[], tuple[Any, float]], Callable[[Any], None]]:
    return lambda: caller.invite("+74950000001"), lambda handle: None


def _real(caller: Caller) -> tuple[Callable[[], tuple[Any, float]], Callable[[Any], None]]:
    counter = iter(range(1, 1_000_000))

    def call() -> tuple[Any, float]:
        number = f"+7495000{next(counter) % 10000:04}"
        call_id, started = caller.invite(number)
        return (call_id, number), started

    def hang_up(handle: Any) -> None:
        caller.wait_for(180, handle[0])
        caller.cancel(*handle)

    return call, hang_up


def _answers(port: int) -> bool:
    import socket

    with socket.create_connection(("127.0.0.1", port), 1):
        return True


def _in_chromium(
    installation: Installation, floor_port: int, cookie: tuple[str, str], blind: Any, real: Any, calls: int
) -> dict[str, list[float]]:
    from playwright.sync_api import sync_playwright

    arguments = ["--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
    arguments += ["--disable-sync", "--no-first-run", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=False, args=arguments
        )
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{floor_port}/")
        page.wait_for_timeout(500)
        painted_floor = measure_painted(page, "p.pop", blind[0], calls, blind[1], lambda page: None)
        page.close()
        context = browser.new_context()
        context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": installation.url}])
        page = context.new_page()
        page.goto(f"{installation.url}/desk")
        page.wait_for_timeout(1000)
        selector = ".callbar-ringing"
        painted = measure_painted(
            page,
            selector,
            real[0],
            calls,
            real[1],
            lambda page: page.wait_for_selector(selector, state="detached"),
        )
        browser.close()
    return {"floor, painted": painted_floor, "desk, painted": painted}


def _report(rows: dict[str, list[float]], cards: int, calls: int) -> None:
    print(f"{cards} cards, {LISTENERS} listeners, {calls} calls{'':10}p50 ms   p99 ms")
    for kind, words in (("", "event at the listener"), (", painted", "painted in Chromium")):
        if f"desk{kind}" not in rows:
            print(f"  {words}: Chromium is not installed, left out")
            continue
        base, ours = percentiles(rows[f"floor{kind}"]), percentiles(rows[f"desk{kind}"])
        print(f"  {words}, the floor    {base[0]:9.2f} {base[1]:8.2f}")
        print(f"  {words}, the desk     {ours[0]:9.2f} {ours[1]:8.2f}")
        print(
            f"  {'desk : floor':{len(words) + 14}}{ours[0] / base[0]:9.2f} {ours[1] / base[1]:8.2f}   (aim: at most 3)"
        )


if __name__ == "__main__":
    main()
