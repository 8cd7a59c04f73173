"""What a file would do, and what it does: looked through, taken in, given up; how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from webapp import here, hx
from webapp.access import allow, me
from webapp.accounts.models import User
from webapp.db import db
from webapp.imports import files, lists, queries, reasons
from webapp.imports.models import Import, ImportRow
from webapp.imports.views.blueprint import WHO, bp, data_folder, the_import
from webapp.imports.views.rows import row_shown
from webapp.imports.work import DECIDED

STATE_WORDS = {
    "new": _l("New"),
    "matched": _l("Matched"),
    "doubtful": _l("Doubtful"),
    "refused": _l("Refused"),
}


@bp.get("/<int:import_id>/counts")
@allow(*WHO)
def counts(import_id: int) -> ResponseReturnValue:
    """How many rows so far: a part that asks again while the list is at work, then the whole page anew."""
    import_ = the_import(import_id)
    if import_.job is None or not import_.job.open:
        return hx.go("imports.page", import_id=import_.id)
    return render_template("imports/_counts.html", **_about(import_))


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
    import_ = the_import(import_id)
    answer = _do(import_id, lambda one: lists.leave(db.session(), one, here.now()))
    if import_.state == "stopped":
        files.delete(data_folder(), import_.file)
    return answer


def _do(import_id: int, verb: Callable[[Import], None]) -> ResponseReturnValue:
    """One verb; when the list is past it, its page shows where it is."""
    import_ = the_import(import_id)
    try:
        verb(import_)
    except lists.Busy:
        db.session.rollback()
    else:
        db.session.commit()
    return hx.go("imports.page", import_id=import_id)


def run_page(import_: Import) -> str:
    """The page of a list that is looked through or taken in, with the first rows that want a person."""
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
        doubtful=[row_shown(import_, row) for row in doubtful],
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
