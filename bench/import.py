"""A list taken in by the worker while calls ring: rows a second, memory, how long a call waits for its plan.

Run as `python -m bench.import [--short]`. Real web and worker processes over SQLite; offers are posted to the web as a
bridge posts them, five a second, before the list comes and while it does. Aim: 200,000 rows in well under 15 minutes,
and the slowest plan in a hundred within the 300 ms after which a bridge follows its standing plan.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.pop import seed
from sipbridge.events import CallEnded, CallOffered, EndReason, encode
from tests.e2e.installation import Installation
from webapp import clock
from webapp.accounts.models import User
from webapp.clients.contacts import office_country
from webapp.imports import lists
from webapp.imports.models import Import
from webapp.jobs.models import Job

ROWS, ROWS_SHORT = 200_000, 5_000
CARDS, CARDS_SHORT = 100_000, 10_000
EVERY = 0.2
SYLLABLES = {
    "ru": "ба бо ва ве ви во га го да де до жа за зо ка ки ко ла ле ли ло лю ма ме ми мо на не ни но па пе по ра ре ри"
    " ро са се си со та те ти то фа хо ца че ша щу юр яр стро пром мет",
    "el": "αθ βα γε δη ελ ζω ηλ θε κα κο λα λε μα με νι ξε ολ πα πε ρο σα στ τα τε φι χα χρι ψα",
    "la": "al ba be bo ca co da de do el fa fi ga ha in ja ka ke la li ma me mi na ne no or pa ra re ro sa se so tech",
}


def write_list(path: Path, rows: int) -> None:
    """A list of `rows` rows; one in fifty says what an earlier one says, one in a hundred can't be taken."""
    dice, seen = random.Random(20261129), list[list[str]]()

    def word(alphabet: str, least: int) -> str:
        return "".join(dice.choice(SYLLABLES[alphabet].split()) for _ in range(dice.randint(least, 4))).capitalize()

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Компания", "Контактное лицо", "Телефон", "Мобильный", "E-mail", "Сайт", "Примечание"])
        for number in range(rows):
            if number % 100 == 50:
                writer.writerow(["", "", "", "", "", "", "только примечание"])
            elif number % 50 == 25 and seen:
                writer.writerow(dice.choice(seen))
            else:
                alphabet = dice.choices(("ru", "el", "la"), (6, 2, 2))[0]
                firm = f"{word(alphabet, 2)} {word(alphabet, 2)}"
                site = f"{word('la', 2).lower()}{number}.example"
                row = [
                    f"ООО «{firm}»" if alphabet == "ru" else f"{firm} Ltd",
                    f"{word(alphabet, 2)} {word(alphabet, 2)}",
                ]
                row.append(f"+7 (4{dice.randrange(10, 99)}) {dice.randrange(200, 999)}-{dice.randrange(10**4):04}")
                row.append(f"8 9{dice.randrange(10, 99)} {dice.randrange(10**7):07}" if dice.random() < 0.5 else "")
                row += [f"info@{site}", site if dice.random() < 0.4 else "", firm if dice.random() < 0.3 else ""]
                writer.writerow(row)
                if len(seen) < 1000:
                    seen.append(row)


class Offers:
    """Calls that ring one after the other, each ended at once; seconds until each had its plan."""

    def __init__(self, installation: Installation) -> None:
        token = (installation.folder / "var" / "bridge_token").read_text().strip()
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.port = installation.web_port
        self.taken: list[float] = []
        self.failed = self.count = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Offers:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ending.wait(EVERY):
            self.count += 1
            call_id, now = f"bench-{id(self)}-{self.count}", clock.now()
            offered = CallOffered(call_id, "desk", f"+7495{self.count % 10**7:07}", "", "desk", now)
            started = time.monotonic()
            plans = self._post(encode(f"{call_id}-o", offered))
            self.taken.append(time.monotonic() - started)
            self.failed += call_id not in plans
            self._post(encode(f"{call_id}-e", CallEnded(call_id, EndReason.ABANDONED, 1, 1.0, 0.0, now)))

    def _post(self, event: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/bridge/events", json.dumps({"events": [event]}), self.headers)
            plans: dict[str, Any] = json.loads(connection.getresponse().read()).get("plans", {})
            return plans
        finally:
            connection.close()


def _at(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] * 1000 if values else 0.0


def _memory(pid: int) -> float:
    """The most memory the process has held so far, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def _job(installation: Installation, import_id: int) -> tuple[str, int, int, str]:
    def look(session: Any) -> tuple[str, int, int, str]:
        job = session.get_one(Job, session.get_one(Import, import_id).job_id)
        return job.state, job.done, job.total, job.said

    return installation.ask(look)


def _wait(installation: Installation, import_id: int) -> float:
    """Seconds until the job of the list is done."""
    started = time.monotonic()
    while (found := _job(installation, import_id))[0] in ("waiting", "running"):
        time.sleep(1)
    if found[0] != "done":
        raise SystemExit(f"the job is {found[0]}: {found[3]}")
    return time.monotonic() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"{ROWS_SHORT:,} rows over {CARDS_SHORT:,} cards")
    parser.add_argument("--rows", type=int, help="another number of rows")
    options = parser.parse_args()
    rows, cards = (ROWS_SHORT, CARDS_SHORT) if options.short else (ROWS, CARDS)
    rows = options.rows or rows
    with tempfile.TemporaryDirectory(prefix="secondring-bench-") as name:
        folder = Path(name)
        write_list(folder / "list.csv", rows)
        installation = Installation(folder)
        seed(installation, cards)
        try:
            installation.start("web")
            worker = installation.start("worker")
            with Offers(installation) as alone:
                time.sleep(10 if options.short else 40)
            began = _memory(worker.pid)
            print(f"{rows:,} rows onto {cards:,} cards; worker before: {began:.0f} MB", flush=True)

            def bring(session: Any) -> int:
                user, data = session.get_one(User, 1), installation.app().config["SETTINGS"].data
                with (folder / "list.csv").open("rb") as stream:
                    found = lists.bring(
                        session, data, stream, "list.csv", "clients", user, clock.now(), office_country()
                    )
                lists.look_through(session, found, found.mapping, {"owner": 1}, user, clock.now())
                session.commit()
                return found.id

            import_id = installation.ask(bring)
            with Offers(installation) as looked:
                looking = _wait(installation, import_id)
            print(f"  preview {looking:.0f} s, {rows / looking:.0f} rows/s, {_memory(worker.pid):.0f} MB", flush=True)

            def run(session: Any) -> None:
                lists.run(session, session.get_one(Import, import_id), session.get_one(User, 1), clock.now())
                session.commit()

            installation.ask(run)
            with Offers(installation) as busy:
                running = _wait(installation, import_id)
            counts = installation.ask(lambda session: session.get_one(Import, import_id).counts)
            print(f"  run {running:.0f} s, {rows / running:.0f} rows/s, {_memory(worker.pid):.0f} MB at most")
            print(f"  {counts}")
        finally:
            installation.close()
    usual = [_at(alone.taken, share) for share in (0.5, 0.99)]
    for what, offers in (("idle", alone), ("preview", looked), ("run", busy)):
        middle, slow, most = (_at(offers.taken, share) for share in (0.5, 0.99, 1))
        print(
            f"  plan while {what:8}: p50 {middle:.1f} ms, p99 {slow:.1f} ms, most {most:.0f} ms, {offers.failed} of "
            f"{len(offers.taken)} without one   ratio {middle / usual[0]:.2f}/{slow / usual[1]:.2f}"
        )


if __name__ == "__main__":
    main()
