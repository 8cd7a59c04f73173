"""The command `secondring` (from a checkout: `./desk`)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webapp.config import Config

ROOT = Path(__file__).parent.parent

PASS_ON = ("test", "soak", "bench")
"""Commands whose other words are another program's."""


def main(arguments: list[str] | None = None) -> int:
    """Do one command; returns the exit code: 0 done, 1 found something wrong, 2 could not start."""
    parser = argparse.ArgumentParser(prog="secondring", description="An inbound call desk for a sales department.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("run", help="start the desk: web, bridge, worker; Ctrl-C stops it")
    found = commands.add_parser("found", help="make an empty office with one administrator, instead of the demo office")
    found.add_argument("company", help="the company's name, as clients hear it")
    found.add_argument("--language", choices=("en", "ru"), default="en", help="of greetings and scripts (default en)")
    commands.add_parser("migrate", help="bring the database up to date without starting anything")
    move = commands.add_parser("move-to-postgres", help="carry the office over from SQLite to an empty PostgreSQL base")
    move.add_argument("url", metavar="URL", help="the new database: postgresql+psycopg://user@host/name")
    backup = commands.add_parser("backup", help="add a whole copy of the office to a folder, while it works")
    backup.add_argument("folder", type=Path)
    restore = commands.add_parser("restore", help="bring the office back from a folder of `backup`")
    restore.add_argument("folder", type=Path, help="the folder of backups, or one of them")
    restore.add_argument("--replace", action="store_true", help="although there is an office; it is put aside")
    call = commands.add_parser("call", help="place a real test call to the desk over loopback")
    call.add_argument("--from", dest="number", default="+74950000101", help="the caller's number; '' hides it")
    call.add_argument("--name", default="", help="the caller's name as the network shows it")
    call.add_argument("--seconds", type=float, default=20, help="hang up after so many seconds (default 20)")
    call.add_argument("--line", default="desk", help="the line to call (default desk)")
    test = commands.add_parser("test", help="run the tests, linters and type checks")
    test.add_argument("rest", nargs=argparse.REMAINDER, help="arguments for pytest")
    bench = commands.add_parser("bench", help="measure speed, as ratios against a floor in the same run")
    bench.add_argument("rest", nargs=argparse.REMAINDER, help="names of benchmarks; --short for a quick look")
    soak = commands.add_parser("soak", help="the long tests: floods, faults and kills for an hour")
    soak.add_argument("rest", nargs=argparse.REMAINDER, help="arguments for pytest, for example -k kill")
    scripts = commands.add_parser("scripts", help="check the call scripts")
    scripts.add_argument("action", choices=["check"])
    scripts.add_argument("folder", nargs="?", type=Path, help="another folder than scripts_library")
    users = commands.add_parser("users", help="list the users, or give one a new password")
    users.add_argument("--new-password", metavar="LOGIN", help="make a new password for LOGIN and print it once")
    ledger = commands.add_parser("ledger", help="print the ledger of one day")
    ledger.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="default: today, in the office's time zone")
    ledger.add_argument("--json", action="store_true", help="as JSON instead of a table")
    privacy = commands.add_parser("privacy", help="find, export or erase all that is kept of somebody")
    actions = privacy.add_subparsers(dest="action", metavar="action", required=True)
    finding = actions.add_parser("find", help="find cards, people and other places by a number, an address or a name")
    finding.add_argument("text")
    exporting = actions.add_parser("export", help="write all that is kept of somebody into one archive")
    exporting.add_argument("whom", help="card:ID, person:ID, a number or an e-mail")
    exporting.add_argument("file", type=Path, help="the archive to write, for example pavel.zip")
    erasing = actions.add_parser("erase", help="erase somebody for good, with a record that it was done")
    erasing.add_argument("whom", help="card:ID, person:ID, a number or an e-mail")
    erasing.add_argument("--reason", required=True, help="who asked for it and when, without naming them")
    erasing.add_argument("--yes", action="store_true", help="do not ask")
    commands.add_parser("help", help="show this help")
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] and words[0] in PASS_ON and not {"-h", "--help"} & set(words):
        options = parser.parse_args(words[:1])
        options.rest = words[1:]  # argparse would take an option at their beginning for one of its own
    else:
        options = parser.parse_args(words)
    if options.command in (None, "help"):
        parser.print_help()
        return 0
    try:
        return _do(options)
    except KeyboardInterrupt:
        return 130


def _do(options: argparse.Namespace) -> int:
    # Each command imports what it needs only: `./desk help` and `./desk call` shall not wait for Flask.
    if options.command in ("test", "soak"):
        from tools import check

        return check.main(["--soak", "-v", *options.rest] if options.command == "soak" else options.rest)
    if options.command == "bench":
        return subprocess.call([sys.executable, "-m", "bench", *options.rest], cwd=ROOT)
    from webapp import config

    try:
        settings = config.load()
    except config.ConfigError as error:
        print(f"secondring: {error}", file=sys.stderr)
        return 2
    if options.command == "run":
        from webapp import run

        return run.run()
    if options.command in ("found", "migrate"):
        from webapp import clock, founding

        if options.command == "migrate":
            return founding.migrate(settings)
        return founding.found(settings, options.company, options.language, clock.now())
    if options.command in ("move-to-postgres", "backup", "restore"):
        from webapp import clock
        from webapp.safekeeping import commands

        return commands.do(options, settings, clock.now())
    if options.command == "call":
        return _call(options, settings)
    if options.command == "scripts":
        from webapp.clients.fields import FIELD_NAMES
        from webapp.scripts import check as scripts_check

        return scripts_check.main(options.folder or ROOT / "scripts_library", FIELD_NAMES)
    return _with_database(options, settings)


def _call(options: argparse.Namespace, settings: object) -> int:
    from webapp.config import Config

    assert isinstance(settings, Config)  # noqa: S101
    host, port = settings.sip
    command = [sys.executable, "-m", "sipbridge.testcall", "--to", f"sip:{options.line}@{host}:{port}"]
    command += ["--from", options.number, "--name", options.name, "--seconds", str(options.seconds)]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


def _with_database(options: argparse.Namespace, settings: object) -> int:
    from flask_babel import force_locale
    from sqlalchemy import inspect, select

    from webapp import clock, create_app
    from webapp.accounts import passwords
    from webapp.accounts.models import User
    from webapp.config import Config
    from webapp.db import db
    from webapp.office.models import Office
    from webapp.reports import ledger

    assert isinstance(settings, Config)  # noqa: S101
    try:
        app = create_app(settings)
    except OSError as error:
        print(f"secondring: can't use the folder {settings.data}: {error.strerror}", file=sys.stderr)
        return 2
    with app.app_context():
        if not inspect(db.engine).has_table("office") or db.session.get(Office, 1) is None:
            print(
                "secondring: there is no office yet; start it once with ./desk run, or make one with ./desk found",
                file=sys.stderr,
            )
            return 2
        if options.command == "privacy":
            with force_locale("en"):
                return _privacy(options, settings)
        if options.command == "ledger":
            day = options.day or clock.now().astimezone(settings.timezone).date()
            report = ledger.as_json(db.session(), day, settings.timezone)
            if options.json:
                print(json.dumps(report, ensure_ascii=False, indent=1))
            else:
                print(ledger.as_text(report))
            return 0
        if options.new_password:
            user = db.session.scalars(select(User).where(User.login == options.new_password)).one_or_none()
            if user is None:
                print(f"secondring: there is no user {options.new_password}; ./desk users lists them", file=sys.stderr)
                return 1
            password = passwords.generate()
            user.password_hash = passwords.hashed(password)
            db.session.commit()
            print(f"{user.login}  {password}")
            return 0
        for user in db.session.scalars(select(User).order_by(User.id)):
            state = "" if user.active else "  (inactive)"
            print(f"{user.login:<14} {user.role:<10} {user.name:<28} {user.extension}{state}")
        return 0


def _privacy(options: argparse.Namespace, settings: Config) -> int:
    from webapp import clock
    from webapp.db import db
    from webapp.privacy import command

    if options.action == "find":
        return command.find(db.session(), options.text, settings.country)
    if options.action == "export":
        return command.write(db.session(), options.whom, options.file, settings, clock.now())
    return command.erase(db.session(), options.whom, options.reason, options.yes, settings, clock.now())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} should be a day like 2026-03-31") from None


if __name__ == "__main__":
    sys.exit(main())
