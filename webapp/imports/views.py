"""The pages of lists that are taken in: upload, columns, preview, the run, doubtful rows, refused rows as a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.exceptions import RequestEntityTooLarge

from webapp import here, hx, sheets
from webapp.access import allow, author, load, me
from webapp.accounts.models import Role, User
from webapp.clients.contacts import office_country
from webapp.clients.queries import owners
from webapp.db import db
from webapp.exports import work as exports
from webapp.imports import columns, csvs, decisions, exhibition, files, lists, queries, reading, reasons
from webapp.imports.entries import Entry, Lists, read
from webapp.imports.files import BadFile
from webapp.imports.models import Import, ImportRow
from webapp.imports.work import DECIDED
from webapp.office.models import Channel, ClientStatus
from webapp.office.queries import items
from webapp.rules import extra

bp = Blueprint("imports", __name__, url_prefix="/clients/imports")

WHO = (Role.HEAD, Role.MANAGER)
STATE_WORDS = {
    "new": _l("New"),
    "matched": _l("Matched"),
    "doubtful": _l("Doubtful"),
    "refused": _l("Refused"),
}
VERDICT_WORDS = {"same": _l("the same"), "another": _l("another one"), "skip": _l("left out")}


@bp.url_value_preprocessor
def _take_large_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A list may be larger than what other pages are sent; asked before anything of it is read."""
    if endpoint == "imports.upload":
        request.max_content_length = files.MOST_BYTES + (1 << 20)


@bp.get("")
@allow(*WHO)
def index() -> ResponseReturnValue:
    """The lists so far, and the form for another one."""
    return _index()


def _index(error: str = "", kind: str = "clients") -> str:
    found = queries.lists(db.session(), me())
    return render_template(
        "imports/index.html",
        lists=[(import_, lists.state_of(import_)) for import_ in found],
        error=error,
        kind=kind,
        kinds=lists.KINDS,
        most_bytes=files.MOST_BYTES,
    )


@bp.post("")
@allow(*WHO)
def upload() -> ResponseReturnValue:
    """Keep a list and go on to its columns."""
    kind, file = request.form.get("kind", "clients"), request.files.get("file")
    with contextlib.closing(file) if file else contextlib.nullcontext():
        if kind not in lists.KINDS:
            abort(404)
        if kind == "exhibition" and not me().has_role(Role.HEAD):
            abort(403)
        if file is None or not file.filename:
            return _index(_("Choose a file first."), kind), 422
        try:
            import_ = lists.bring(
                db.session(), _data(), file.stream, file.filename, kind, me(), here.now(), office_country()
            )
        except BadFile as why:
            db.session.rollback()
            return _index(str(why.message), kind), 422
    db.session.commit()
    return hx.go("imports.page", import_id=import_.id)


@bp.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """A body of many megabytes is refused by its announced length, before it is read."""
    user = me()
    if not user.is_authenticated or not user.has_role(*WHO):
        return error.get_response()
    return _index(str(files.too_big())), 413


@bp.get("/<int:import_id>")
@allow(*WHO)
def page(import_id: int) -> ResponseReturnValue:
    """One list, wherever it stands."""
    import_ = _import(import_id)
    return _mapping(import_) if import_.state == "mapping" else _state(import_)


@bp.get("/<int:import_id>/counts")
@allow(*WHO)
def counts(import_id: int) -> ResponseReturnValue:
    """How many rows so far: a part that asks again while the list is at work, then the whole page anew."""
    import_ = _import(import_id)
    if import_.job is None or not import_.job.open:
        return hx.go("imports.page", import_id=import_.id)
    return render_template("imports/_counts.html", **_about(import_))


# Columns


@bp.post("/<int:import_id>/form")
@allow(*WHO)
def form(import_id: int) -> ResponseReturnValue:
    """Read the file otherwise: another encoding, delimiter or sheet, names of columns or none."""
    import_ = _import(import_id)
    names = ("encoding", "delimiter", "sheet")
    wanted: dict[str, Any] = {name: request.form[name] for name in names if request.form.get(name)}
    wanted["header"] = request.form.get("header") == "1"
    try:
        lists.read_otherwise(db.session(), _data(), import_, wanted, office_country())
    except BadFile as why:
        db.session.rollback()
        return _mapping(_import(import_id), form_error=str(why.message)), 422
    except lists.Busy:
        return hx.go("imports.page", import_id=import_id)
    db.session.commit()
    return hx.go("imports.page", import_id=import_.id)


@bp.post("/<int:import_id>/sample")
@allow(*WHO)
def sample(import_id: int) -> ResponseReturnValue:
    """The first rows, read by the columns as they are chosen now. Reads only; a POST keeps them out of addresses."""
    import_ = _import(import_id)
    mapping = _typed_mapping(import_)
    return render_template("imports/_sample.html", **_sample(import_, mapping), error=columns.problem(mapping))


@bp.post("/<int:import_id>/mapping")
@allow(*WHO)
def mapping(import_id: int) -> ResponseReturnValue:
    """Say how the columns are read, and have the list looked through."""
    import_, typed = _import(import_id), _typed_mapping(_import(import_id))
    options, errors = _typed_options(import_)
    if problem := columns.problem(typed):
        errors["mapping"] = problem
    if errors:
        return _mapping(import_, typed, errors), 422
    try:
        lists.look_through(db.session(), import_, typed, options, me(), here.now())
    except lists.Busy:
        return hx.go("imports.page", import_id=import_id)
    db.session.commit()
    return hx.go("imports.page", import_id=import_.id)


def _typed_mapping(import_: Import) -> dict[str, str]:
    labels = _extra_labels()
    chosen = {str(at): request.form.get(f"c{at}", "") for at in range(len(import_.headers))}
    return {at: name for at, name in chosen.items() if name and columns.known(name, labels)}


def _typed_options(import_: Import) -> tuple[dict[str, Any], dict[str, str]]:
    session, errors = db.session(), dict[str, str]()
    defaults: dict[str, int] = {}
    for name, model in (("channel", Channel), ("status", ClientStatus)):
        typed = request.form.get(name, "")
        if typed and typed not in {str(item.id) for item in items(session, model)}:
            errors[name] = _("Choose one of the list.")
        elif typed:
            defaults[f"{name}_id"] = int(typed)
    options: dict[str, Any] = {"defaults": defaults}
    people = {str(user.id) for user in owners(session)}
    if import_.kind == "exhibition":
        chosen = request.form.getlist("managers")
        if not chosen or not set(chosen) <= people:
            errors["managers"] = _("Choose at least one manager for the contacts of the home city.")
        options["managers"] = [int(one) for one in chosen if one in people]
        options["task"] = " ".join(request.form.get("task", "").split())[:400]
        if not options["task"]:
            errors["task"] = _("Say what the next touch is for.")
        try:
            due = datetime.fromisoformat(request.form.get("due", "")).replace(tzinfo=here.zone())
        except ValueError:
            errors["due"] = _("Type a date and a time.")
        else:
            options["due"] = due.isoformat()
    else:
        owner = request.form.get("owner", "")
        if owner and owner not in people:
            errors["owner"] = _("Choose one of the list.")
        options["owner"] = int(owner) if owner in people else None
    return options, errors


def _mapping(
    import_: Import, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None, form_error: str = ""
) -> str:
    session = db.session()
    mapping = import_.mapping if typed is None else typed
    channels = items(session, Channel)
    fair = next((str(one.id) for one in channels if "Exhibition" in one.names.values()), "")
    chosen = request.form if request.method == "POST" and typed is not None else None
    due = exhibition.next_workday(session, here.now(), here.zone())
    return render_template(
        "imports/mapping.html",
        import_=import_,
        mapping=mapping,
        choices=columns.choices(_extra_labels()),
        titles=[columns.title(import_.headers, at) for at in range(len(import_.headers))],
        encodings=csvs.ENCODINGS,
        delimiters=csvs.DELIMITERS,
        channels=channels,
        statuses=items(session, ClientStatus),
        people=owners(session),
        managers=[user for user in owners(session) if user.role == Role.MANAGER],
        chosen=chosen,
        channel=chosen.get("channel", "") if chosen else fair if import_.kind == "exhibition" else "",
        due=(chosen.get("due") if chosen else "") or due.strftime("%Y-%m-%dT%H:%M"),
        task=chosen.get("task", "") if chosen else _("Exhibition: %(name)s", name=Path(import_.name).stem),
        errors=errors or {},
        form_error=form_error,
        **_sample(import_, mapping),
        error=columns.problem(mapping),
    )


def _sample(import_: Import, mapping: dict[str, str]) -> dict[str, Any]:
    """The first rows as they lie in the file, and as they would be read."""
    try:
        look = reading.look(files.path_of(_data(), import_.file), dict(import_.form))
    except BadFile as why:
        return {"first": [], "read": [], "sample_error": str(why.message)}
    first = look.first[: reading.SHOWN]
    known = Lists(db.session(), office_country())
    return {
        "first": first,
        "read": [_shown(read(row, mapping, import_.headers, known, import_.kind)) for row in first],
        "sample_error": "",
    }


def _shown(entry: Entry) -> dict[str, Any]:
    """A row for people: what the card will be called, its person, addresses with those that can't be read marked."""
    person = " ".join(entry.person.get(part, "") for part in ("surname", "given_name", "patronymic")).split()
    return {
        "number": entry.row.number,
        "title": entry.client.get("name", ""),
        "person": " ".join(person),
        "position": entry.person.get("position", ""),
        "points": [(point.value, bool(point.normal) or point.kind == "messenger") for point in entry.points],
        "website": entry.client.get("website", ""),
        "more": len(entry.ids) + len(entry.extra) + len(entry.client.keys() - {"name", "website"}),
        "refused": reasons.words(entry.refused),
    }


def _extra_labels() -> dict[str, str]:
    return {one.key: one.name for one in extra.fields(db.session())}


# Preview and run


@bp.post("/<int:import_id>/columns")
@allow(*WHO)
def change_columns(import_id: int) -> ResponseReturnValue:
    """Back to the columns."""
    return _do(import_id, lambda import_: lists.change_columns(db.session(), import_, here.now()))


@bp.post("/<int:import_id>/run")
@allow(*WHO)
def run(import_id: int) -> ResponseReturnValue:
    """Take the list in."""
    return _do(import_id, lambda import_: lists.run(db.session(), import_, me(), here.now()))


@bp.post("/<int:import_id>/leave")
@allow(*WHO)
def leave(import_id: int) -> ResponseReturnValue:
    """Give the list up; what is on cards by now stays there."""
    import_ = _import(import_id)
    answer = _do(import_id, lambda one: lists.leave(db.session(), _data(), one, here.now()))
    if import_.state == "stopped":
        files.delete(_data(), import_.file)
    return answer


def _do(import_id: int, verb: Any) -> ResponseReturnValue:
    """One verb; when the list is past it, its page shows where it is."""
    import_ = _import(import_id)
    try:
        verb(import_)
    except lists.Busy:
        db.session.rollback()
    else:
        db.session.commit()
    return hx.go("imports.page", import_id=import_id)


def _state(import_: Import) -> str:
    session = db.session()
    state = lists.state_of(import_)
    doubtful: list[ImportRow] = []
    refused: list[ImportRow] = []
    if state not in ("looking", "running"):
        doubtful = queries.rows(session, import_.id, ("doubtful", *DECIDED))[: queries.ON_A_PAGE]
        refused = queries.rows(session, import_.id, ("refused",))[: queries.ON_A_PAGE]
    given = import_.job.facts.get("given") if import_.job and import_.state != "preview" else None
    given = given if given is not None else import_.options.get("given", {})
    people = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(_ids(given))))}
    shares: dict[str, int] = {}
    for key, count in given.items():
        name = people.get(int(key.rpartition(":")[2]), "?")
        shares[name] = shares.get(name, 0) + count
    return render_template(
        "imports/page.html",
        **_about(import_),
        doubtful=[_row(import_, row) for row in doubtful],
        refused=[(row, reasons.words(row.reason)) for row in refused],
        samples=import_.options.get("samples", {}),
        decided=queries.decided(session, import_.id) if state == "looked" else 0,
        shares=sorted(shares.items()),
    )


def _ids(given: dict[str, int]) -> set[int]:
    return {int(key.rpartition(":")[2]) for key in given}


def _about(import_: Import) -> dict[str, Any]:
    return {
        "import_": import_,
        "job": import_.job,
        "state": lists.state_of(import_),
        "counts": import_.counts,
        "words": STATE_WORDS,
        "reason_words": reasons.why,
    }


# Rows


@bp.get("/<int:import_id>/doubtful")
@allow(*WHO)
def doubtful(import_id: int) -> ResponseReturnValue:
    """More doubtful rows, past row `after`."""
    import_ = _import(import_id)
    after = min(max(request.args.get("after", 0, int), 0), files.MOST_ROWS)
    found = queries.rows(db.session(), import_.id, ("doubtful", *DECIDED), after)
    return render_template(
        "imports/_doubtful.html",
        import_=import_,
        state=lists.state_of(import_),
        doubtful=[_row(import_, row) for row in found[: queries.ON_A_PAGE]],
    )


@bp.post("/<int:import_id>/rows/<int:row_id>")
@allow(*WHO)
def decide(import_id: int, row_id: int) -> ResponseReturnValue:
    """The same client, another one, or left out."""
    import_ = _import(import_id)
    row = load(queries.row(import_.id, row_id))
    error, status = "", 200
    try:
        decisions.decide(db.session(), import_, row, request.form.get("verdict", ""), author("import"))
    except ValueError as why:
        db.session.rollback()
        error = _("Wait until the list is in.") if isinstance(why, lists.Busy) else _("Choose one of the list.")
        status = 422
    else:
        db.session.commit()
    row = load(queries.row(import_.id, row_id))
    state = lists.state_of(_import(import_id))
    return render_template(
        "imports/_row.html", import_=import_, state=state, one=_row(import_, row), error=error
    ), status


def _row(import_: Import, row: ImportRow) -> dict[str, Any]:
    entry = decisions.entry_of(db.session(), import_, row, _lists())
    return {
        "row": row,
        "shown": _shown(entry) if row.cells else None,
        "why": reasons.words(row.reason) if row.state in ("doubtful", *DECIDED) else "",
        "verdict": VERDICT_WORDS.get(row.state, ""),
    }


def _lists() -> Lists:
    """The office's lists, read once a request."""
    from flask import g

    if "import_lists" not in g:
        g.import_lists = Lists(db.session(), office_country())
    found: Lists = g.import_lists
    return found


@bp.get("/<int:import_id>/refused.<any(csv, xlsx):ending>")
@allow(*WHO)
def refused(import_id: int, ending: str) -> ResponseReturnValue:
    """Every refused row as a file: its number, why, and its cells, to be mended and brought again."""
    import_ = _import(import_id)
    titles = [columns.title(import_.headers, at) for at in range(len(import_.headers))]
    shape = [sheets.Column(_("Row"), 8), sheets.Column(_("Why"), 60), *(sheets.Column(title, 20) for title in titles)]

    def rows() -> Iterator[list[sheets.Cell]]:
        for row in queries.refused(db.session(), import_.id):
            yield [row.number, reasons.words(row.reason), *(row.cells or [])]

    name = (_("refused"), Path(import_.name).stem)
    return exports.hand_out(db.session(), "refused", ending, me(), here.now(), name, shape, rows())


def _import(import_id: int) -> Import:
    """A list is shown to whoever brought it and to the head."""
    user = me()
    return load(queries.one(import_id), if_=lambda one: one.made_by_id == user.id or user.has_role(Role.HEAD))


def _data() -> Path:
    data: Path = current_app.config["SETTINGS"].data
    return data
