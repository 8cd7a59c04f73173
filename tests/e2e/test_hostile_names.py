"""Names that callers send: huge, with control and right-to-left characters, markup, formulas, broken UTF-8.

Each comes with a real call that is talked and recorded, and is then looked for wherever a name is shown: every page,
the exports, the command line, the logs, the names of files.
"""

from __future__ import annotations

import io
import json
import re
import socket
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.e2e.installation import wait_for
from tests.e2e.office import Desk
from tests.e2e.phones import needs
from webapp import config, create_app
from webapp.calls.models import Call
from webapp.office.models import Line, Office
from webapp.touches.models import Touch

pytestmark = needs("sipp")

NAMES: dict[str, bytes] = {
    "huge": b"Ivan" + b"x" * 60_000,
    "controls": b"Ann\x07a\x1b[31m\x1b]0;owned\x07 \x00\x08\x7f Red",
    "right to left": "Dana \u202egpj.exe\u202c\u2066 \u200f\u061cEnd\u2028Line\ufeff".encode(),
    "markup": b"<script>alert(1)</script><img src=x onerror=alert(2)>&amp;'`",
    "attribute": rb"\" autofocus onfocus=alert(3) x=\"",
    "template": b"{{7*7}}{% raw %}${7*7} %s %n %(at)s",
    "path": b"../../../../etc/passwd",
    "formula": b"=HYPERLINK(1)+cmd|' /C calc'!A0",
    "at sign": b"@SUM(1+1)*cmd",
    "broken UTF-8": b"\xc3\x28 \xff\xfe \xed\xa0\x80 \xf0\x9f",
    "log line": b"Eve level=critical event=hacked",
    "hebrew": "דנה לוי".encode(),
}


class Caller:
    """A telephone of one socket that calls with any bytes for a name, talks, and is hung up on."""

    def __init__(self, port: int, number: str, name: bytes) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(15)
        self.target = ("127.0.0.1", port)
        host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.head = (
            b"Max-Forwards: 70\r\nFrom: "
            + b'"' + name + b'" '
            + f"<sip:{number}@{host}>;tag=c\r\nTo: <sip:desk@{host}>%s\r\nCall-ID: {number}@{host}\r\n"
            f"Contact: <sip:caller@{host}>\r\n".encode()
        )  # fmt: skip
        self.via = f"Via: SIP/2.0/UDP {host};branch=z9hG4bK".encode()

    def send(self, method: bytes, branch: bytes, to_tag: bytes = b"", body: bytes = b"") -> None:
        kind = b"Content-Type: application/sdp\r\n" if body else b""
        self.socket.sendto(
            method + b" sip:desk@127.0.0.1 SIP/2.0\r\n" + self.via + branch + b"\r\n" + self.head.replace(b"%s", to_tag)
            + b"CSeq: 1 " + method + b"\r\n" + kind + b"Content-Length: %d\r\n\r\n" % len(body) + body,
            self.target,
        )  # fmt: skip

    def call(self) -> None:
        """From INVITE to the office's BYE."""
        with self.socket:
            media = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
            self.send(b"INVITE", b"first", body=media)
            heard: list[bytes] = []
            while True:
                try:
                    came = self.socket.recv(70_000)
                except TimeoutError:
                    raise AssertionError(f"no word after {heard}") from None
                heading = came.partition(b"\r\n")[0]
                heard.append(heading)
                if heading.startswith(b"SIP/2.0 200"):
                    tag = re.search(rb"\r\nTo:[^\r]*(;tag=[^\r;]+)", came)
                    assert tag
                    self.send(b"ACK", b"second", tag[1])
                elif heading.startswith(b"BYE "):
                    kept = [
                        line
                        for line in came.split(b"\r\n")
                        if line[:4].lower() in (b"via:", b"from", b"to: ", b"call", b"cseq")
                    ]
                    answer = b"SIP/2.0 200 OK\r\n" + b"\r\n".join(kept) + b"\r\nContent-Length: 0\r\n\r\n"
                    self.socket.sendto(answer, self.target)
                    return
                else:
                    assert heading.startswith(b"SIP/2.0 1"), heading


@pytest.fixture
def office(tmp_path: Path, pattern: Desk) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    try:
        desk.found_like(pattern)

        def record(session: Any, settings: Office) -> None:
            settings.answer_on_ring = 1
            for line in session.scalars(select(Line)):
                line.record = True

        desk.change(record)
        desk.start("web")
        desk.start("bridge")
        phone = f"--listen 127.0.0.1:{desk.ports['anna']} --pick-up-after 0.1 --talk 0.5"
        desk.start("phone", "sipbridge.deskphone", *phone.split())
        wait_for(lambda: "listens" in desk.log("phone"))
        yield desk
    finally:
        desk.close()


def signed_in(office: Desk, app: Flask, login: str) -> FlaskClient:
    client: FlaskClient = app.test_client()
    answer = client.post("/login", data={"login": login, "password": office.passwords[login]})
    assert answer.status_code == 303
    return client


def acts(text: str) -> list[str]:
    """Characters of a text that would do something instead of being shown."""
    return [
        f"U+{ord(char):04X}"
        for char in text
        if char not in "\n\r\t"
        and (unicodedata.category(char) == "Cc" or 0x202A <= ord(char) <= 0x202E or 0x2066 <= ord(char) <= 0x2069)
    ]


def test_names_from_hell_are_shown_harmlessly_everywhere(office: Desk) -> None:
    for number, name in enumerate(NAMES.values()):
        Caller(office.sip_port, f"+749599000{number:02}", name).call()
    wait_for(lambda: [call["state"] for call in office.calls()].count("ended") == len(NAMES), told=office.log("web"))
    kept = office.ask(lambda session: list(session.scalars(select(Call.caller_name).order_by(Call.id))))
    shown = dict(zip(NAMES, kept, strict=True))
    assert all(len(name) <= 120 and not acts(name) for name in kept), shown
    assert shown["huge"].startswith("Ivanxxx") and shown["hebrew"] == "דנה לוי"
    assert shown["markup"].startswith("<script>"), "kept as it came, and made harmless where it is shown"

    # The command line.
    told = office.command("ledger", "--json")
    assert told.returncode == 0 and len(json.loads(told.stdout)["rows"]) == len(NAMES) and not acts(told.stdout)
    assert not acts(office.command("ledger").stdout)

    # Every page, as whoever sees most of it.
    app = create_app(config.load(office.environ), WTF_CSRF_ENABLED=False)
    calls, touches = office.ask(
        lambda session: (list(session.scalars(select(Call.id))), list(session.scalars(select(Touch.id))))
    )
    seen = 0
    for login in ("head", "anna"):
        client = signed_in(office, app, login)
        paths = ["/desk", "/calls", "/missed", "/ledger", *(f"/calls/{call}" for call in calls)]
        paths += [f"/desk?touch={touch}" for touch in touches]
        paths += sorted(
            rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments
        )
        for path in dict.fromkeys(paths):
            if path in ("/events", "/bridge/commands", "/logout", "/login"):
                continue
            with client.get(path) as answer:
                assert answer.status_code < 500, path
                if answer.mimetype != "text/html":
                    continue
                page = answer.get_data(as_text=True)
            assert "<script>alert" not in page and "<img src=x" not in page, path
            assert not re.search(r"<[^>]*\sonfocus=", page), path
            assert not acts(page), (path, acts(page))
            seen += page.count("alert(1)")
    assert seen > len(NAMES), "the names were on those pages"

    # The exports.
    client = signed_in(office, app, "head")
    for path in ("/ledger.csv", "/ledger.xlsx"):
        with client.get(path) as answer:
            assert answer.status_code == 200, path
            data = answer.get_data()
            assert re.fullmatch(r"[\w.;=\" -]+", answer.headers["Content-Disposition"])
        if path.endswith("csv"):
            text = data.decode("utf-8-sig")
            assert not acts(text) and "'=HYPERLINK" in text and "'@SUM" in text
        else:
            with zipfile.ZipFile(io.BytesIO(data)) as book:
                for part in book.namelist():
                    if part.endswith(".xml"):
                        tree = ElementTree.fromstring(book.read(part))  # noqa: S314
                        assert not [node for node in tree.iter() if node.tag.endswith("}f")], "no formula"

    # Logs: nothing of it at all.
    for name in ("web", "bridge", "phone"):
        text = (office.folder / f"{name}.log").read_text(errors="surrogateescape")
        assert not acts(text) and "\udcff" not in text, name
        assert not re.search("Ivanxx|alert|HYPERLINK|hacked|passwd|owned", text), name

    # Files: recordings, ladders and all the rest.
    wait_for(
        lambda: len(list((office.folder / "var" / "recordings").rglob("*.*"))) >= len(NAMES),
        60,
        "the recordings",
    )
    for written in (office.folder / "var").rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9_.\-]{1,80}", written.name), written
    assert not list(office.folder.rglob("*passwd*"))
