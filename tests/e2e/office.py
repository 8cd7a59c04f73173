"""A small office in an installation of its own, its telephones, and what its tests ask of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_migrate
from sqlalchemy import select

from tests.e2e import hearing
from tests.e2e.installation import ROOT, Installation, wait_for
from tests.e2e.phones import Caller, Refusing, Softphone
from tests.ports import free_port
from webapp import clock
from webapp.accounts import people
from webapp.accounts.models import Role, User
from webapp.calls.models import Call, CallAudience
from webapp.clients import cards
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.db import db
from webapp.office import defaults, dialling
from webapp.office.models import Line, Office
from webapp.reports import ledger
from webapp.roster import shifts
from webapp.tasks.models import Task
from webapp.touches.models import Touch

KNOWN = "+74951234567"
SHARED = "+74957654321"
UNKNOWN = "+74959990011"
RING_SECONDS = 0.8
GREETING_HZ, APOLOGY_HZ, HOLD_HZ = 620.0, 1480.0, 830.0

STAFF = {
    "anna": ("Anna Petrova", Role.MANAGER),
    "boris": ("Boris Ivanov", Role.MANAGER),
    "vera": ("Vera Sokolova", Role.MANAGER),
    "head": ("Helen Markova", Role.HEAD),
    "secretary": ("Sofia Belova", Role.SECRETARY),
    "agent": ("Anton Zimin", Role.AGENT),
    "admin": ("Adam Kozlov", Role.ADMIN),
}


class Desk(Installation):
    """Anna is on duty, Boris is her backup, Vera is not on the roster. Rings are short.

    Clients: Rassvet (KNOWN), and two firms of one number (SHARED).
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.ports = {login: free_port() for login in ("anna", "boris", "vera", "agent")}
        self.passwords: dict[str, str] = {}
        self.things: list[Caller | Softphone | Refusing] = []

    def found_like(self, other: Desk) -> None:
        """Found the office as a copy of another that was never opened; only the telephones are other ones."""
        shutil.copytree(other.folder / "var", self.folder / "var")
        self.passwords = other.passwords

        def connect(session: Any, office: Office) -> None:
            for user in session.scalars(select(User).where(User.login.in_(self.ports))):
                user.extension = self._extension(user.login)

        self.change(connect)

    def _extension(self, login: str) -> str:
        return f"sip:{login}@127.0.0.1:{self.ports[login]}" if login in self.ports else ""

    def found(self) -> None:
        """Make the database and the office in it, by the app's own verbs."""
        app = self.app()
        settings = app.config["SETTINGS"]
        with app.app_context():
            flask_migrate.upgrade()
            session, now = db.session(), clock.now()
            office = defaults.create(session, "Northwind Windows", "en")
            office.ring_seconds, office.answer_on_ring, office.step_seconds = RING_SECONDS, 2, 8.0
            office.wrap_up_seconds = 0  # a test that rings twice wants the same manager both times
            staff: dict[str, User] = {}
            for login, (name, role) in STAFF.items():
                details = people.Details(name, login, role.label, role.value, None, self._extension(login), False)
                staff[login], self.passwords[login] = people.add(session, details, now)
            today = now.astimezone(settings.timezone).date()
            for offset in (-1, 0, 1):
                wall = shifts.Wall(today + timedelta(days=offset), 0, 24 * 60)
                for rank, login in enumerate(("anna", "boris")):
                    shifts.set_shift(session, None, staff[login], wall, rank, False, settings.timezone)
            for values in (
                {"name": "Rassvet", "surname": "Orlov", "given_name": "Pavel", "phone": KNOWN, "product": "windows"},
                {"name": "Granit", "surname": "Belkin", "given_name": "Ivan", "phone": SHARED},
                {"name": "Bazalt", "surname": "Serova", "given_name": "Olga", "phone": SHARED},
            ):
                cards.create(session, values, Author(staff["anna"], now), settings.country)
            session.commit()
            db.session.remove()
            db.engine.dispose()
        sounds = self.folder / "var" / "sounds"
        sounds.mkdir(parents=True, exist_ok=True)
        hearing.write_tone(sounds / "greeting.en.wav", GREETING_HZ, 0.8)
        hearing.write_tone(sounds / "apology.en.wav", APOLOGY_HZ, 0.8)
        hearing.write_tone(sounds / "hold.wav", HOLD_HZ, 2)

    def change(self, verb: Callable[[Any, Office], None]) -> None:
        """Let `verb(session, office)` change the database."""

        def do(session: Any) -> bool:
            verb(session, session.scalars(select(Office)).one())
            session.commit()
            return True

        self.ask(do)

    def ring_long(self) -> None:
        """So that it rings until the test goes on, however slow the machine: no greeting, no backup, no waiting."""

        def set_rings(session: Any, office: Office) -> None:
            office.answer_on_ring, office.ring_seconds, office.step_seconds = 1, 40, 60

        self.change(set_rings)

    # Telephones

    def softphone(self, login: str, *, auto: bool = False, hz: float = 1000) -> Softphone:
        """The manager's baresip."""
        phone = Softphone(self.folder, login, self.ports[login], auto=auto, hz=hz)
        self.things.append(phone)
        return phone

    def refusing(self, login: str, status: str) -> None:
        """A telephone in the manager's place that refuses: '486 Busy Here'."""
        self.things.append(Refusing(self.folder, self.ports[login], status))

    def caller(self, number: str, name: str = "", scenario: str = "talk", hz: float = 440) -> Caller:
        """Somebody calls; with scenario `give_up` they can do nothing but that."""
        caller = Caller(self.folder, self.sip, number, name, scenario, hz)
        self.things.append(caller)
        return caller

    def talk(self, number: str = KNOWN, **words: Any) -> tuple[Caller, Softphone]:
        """A call of `number` that Anna's softphone picks up by itself."""
        phone = self.softphone("anna", auto=True)
        caller = self.caller(number, **words)
        self.call("talking")
        return caller, phone

    # What became of it

    def calls(self) -> list[dict[str, Any]]:
        """Every call's state, oldest first."""

        def query(session: Any) -> list[dict[str, Any]]:
            rows = session.scalars(select(Call).order_by(Call.offered_at, Call.id))
            return [
                {
                    "id": call.id,
                    "number": call.number,
                    "state": call.state,
                    "end": call.end_reason,
                    "missed": call.is_missed,
                    "by": call.answered_by.login if call.answered_by else "",
                    "recording": talk.path if (talk := call.recording()) else "",
                }
                for call in rows
            ]

        return self.ask(query)

    def call(self, state: str, **facts: Any) -> dict[str, Any]:
        """Wait until the only call is in `state`, and has these facts."""

        def look() -> dict[str, Any] | None:
            calls = self.calls()
            assert len(calls) < 2, calls
            return calls[0] if calls and {"state": state, **facts}.items() <= calls[0].items() else None

        found = wait_for(look, told=f"a call {state} {facts}")
        assert found
        return found

    def audience(self) -> dict[str, str]:
        """How far the last call went with each: login -> planned, rung, taken, gone."""

        def query(session: Any) -> dict[str, str]:
            last = select(Call.id).order_by(Call.id.desc()).limit(1).scalar_subquery()
            rows = session.scalars(select(CallAudience).where(CallAudience.call_id == last))
            return {row.user.login: row.state for row in rows}

        return self.ask(query)

    def count(self, model: type[Call] | type[Touch] | type[Task] | type[Line], *conditions: Any) -> int:
        """How many rows there are."""
        return self.ask(lambda session: len(session.scalars(select(model).where(*conditions)).all()))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`./desk` with these words, in this installation."""
        return subprocess.run(
            [sys.executable, "-m", "webapp.cli", *words],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def ledger(self) -> dict[str, Any]:
        """Today's ledger, as JSON would have it."""
        zone = self.app().config["SETTINGS"].timezone
        today = clock.now().astimezone(zone).date()
        return self.ask(lambda session: ledger.as_json(session, today, zone))

    def close(self) -> None:
        for thing in self.things:
            thing.close()
        super().close()


def missed_and_allowed(session: Any) -> None:
    """Rassvet rang and nobody was there; managers may call Moscow."""
    dialling.add(session, Role.MANAGER, "+7495*")
    rassvet, now = session.scalars(select(Client).where(Client.name == "Rassvet")).one(), clock.now()
    gone = {"number": KNOWN, "client_id": rassvet.id, "state": "ended", "end_reason": "abandoned"}
    session.add(Call(call_id="in", offered_at=now, ended_at=now, **gone))
