"""Rows that wait for a person, and those that were refused, as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp import here, sheets
from webapp.access import allow, author, load, me
from webapp.clients.contacts import office_country
from webapp.db import db
from webapp.exports import work as exports
from webapp.imports import columns, decisions, files, lists, queries, reasons
from webapp.imports.entries import Entry, Lists
from webapp.imports.models import Import, ImportRow
from webapp.imports.views.blueprint import WHO, bp, the_import
from webapp.imports.work import DECIDED

VERDICT_WORDS = {"same": _l("the same"), "another": _l("another one"), "skip": _l("left out")}


@bp.get("/<int:import_id>/doubtful")
@allow(*WHO)
def doubtful(import_id: int) -> ResponseReturnValue:
    """More doubtful rows, past row `after`."""
    import_ = the_import(import_id)
    after = min(max(request.args.get("after", 0, int), 0), files.MOST_ROWS)
    found = queries.rows(db.session(), import_.id, ("doubtful", *DECIDED), after)
    return render_template(
        "imports/_doubtful.html",
        import_=import_,
        state=lists.state_of(import_),
        doubtful=[row_shown(import_, row) for row in found[: queries.ON_A_PAGE]],
    )


@bp.post("/<int:import_id>/rows/<int:row_id>")
@allow(*WHO)
def decide(import_id: int, row_id: int) -> ResponseReturnValue:
    """The same client, another one, or left out."""
    import_ = the_import(import_id)
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
    state = lists.state_of(the_import(import_id))
    return render_template(
        "imports/_row.html", import_=import_, state=state, one=row_shown(import_, row), error=error
    ), status


def row_shown(import_: Import, row: ImportRow) -> dict[str, Any]:
    """A kept row with the card it may be: why, and what was said of it."""
    entry = decisions.entry_of(db.session(), import_, row, _lists())
    return {
        "row": row,
        "shown": shown(entry) if row.cells else None,
        "why": reasons.words(row.reason) if row.state in ("doubtful", *DECIDED) else "",
        "verdict": VERDICT_WORDS.get(row.state, ""),
    }


def _lists() -> Lists:
    """The office's lists, read once a request."""
    if "import_lists" not in g:
        g.import_lists = Lists(db.session(), office_country())
    found: Lists = g.import_lists
    return found


@bp.get("/<int:import_id>/refused.<any(csv, xlsx):ending>")
@allow(*WHO)
def refused(import_id: int, ending: str) -> ResponseReturnValue:
    """Every refused row as a file: its number, why, and its cells, to be mended and brought again."""
    import_ = the_import(import_id)
    titles = [columns.title(import_.headers, at) for at in range(len(import_.headers))]
    shape = [sheets.Column(_("Row"), 8), sheets.Column(_("Why"), 60), *(sheets.Column(title, 20) for title in titles)]

    def rows() -> Iterator[list[sheets.Cell]]:
        for row in queries.refused(db.session(), import_.id):
            yield [row.number, reasons.words(row.reason), *(row.cells or [])]

    name = (_("refused"), Path(import_.name).stem)
    return exports.hand_out(db.session(), "refused", ending, me(), here.now(), name, shape, rows())


def shown(entry: Entry) -> dict[str, Any]:
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
