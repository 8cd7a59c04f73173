"""The head's page of privacy: find somebody, give them all that is kept of them, erase them with a record."""

from __future__ import annotations

import tempfile
from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp import here, hx
from webapp.access import allow, load, me
from webapp.accounts.models import Role
from webapp.clients.contacts import office_country
from webapp.clients.models import Client, Person
from webapp.db import db
from webapp.privacy import erasing, export, files, finding, scope
from webapp.privacy.models import Erasure
from webapp.privacy.scope import Subject

bp = Blueprint("privacy", __name__, url_prefix="/settings/privacy")

MOST_RECORDS = 50


@bp.get("")
@allow(Role.HEAD)
def page() -> ResponseReturnValue:
    """The search, and the record of what has been erased."""
    records = select(Erasure).options(joinedload(Erasure.by)).order_by(Erasure.at.desc(), Erasure.id.desc())
    return render_template(
        "privacy/page.html",
        records=db.session.scalars(records.limit(MOST_RECORDS)).all(),
        places=finding.PLACES,
        found=None,
        text="",
    )


@bp.post("/find")
@allow(Role.HEAD)
def find() -> ResponseReturnValue:
    """Who may be meant. A POST keeps numbers and names out of logs."""
    text = request.form.get("text", "")
    found = finding.find(db.session(), text, office_country())
    return render_template("privacy/page.html", records=[], places=finding.PLACES, found=found, text=text)


@bp.post("/export")
@allow(Role.HEAD)
def archive() -> ResponseReturnValue:
    """Everything of a card, a person or a number, as one archive."""
    found = _subject()
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is sent
    settings = current_app.config["SETTINGS"]
    export.write(db.session(), found, file, settings.recordings, here.now())
    file.seek(0)
    answer: Response = send_file(
        file, mimetype="application/zip", as_attachment=True, download_name=f"privacy-{here.now():%Y-%m-%d}.zip"
    )
    answer.call_on_close(file.close)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/preview")
@allow(Role.HEAD)
def preview() -> ResponseReturnValue:
    """What an erasure would take, before it is done."""
    return _preview(_subject())


@bp.post("/erase")
@allow(Role.HEAD)
def erase() -> ResponseReturnValue:
    """Erase, when the title has been typed and a reason was given."""
    found, why = _subject(), request.form.get("why", "")
    typed = " ".join(request.form.get("typed", "").split())
    if typed.casefold() != " ".join(found.title.split()).casefold():
        return _preview(found, errors={"typed": _("Type it exactly as it stands above.")}), 422
    try:
        erasing.erase(db.session(), found, why, me(), here.now(), current_app.config["SETTINGS"].data)
    except erasing.Refused as refused:
        db.session.rollback()
        return _preview(_subject(), errors={"why": str(refused)}, held=refused.calls), 422
    except OSError:
        db.session.rollback()
        return _preview(_subject(), errors={"why": _("A file can't be deleted. Nothing was erased.")}), 422
    db.session.commit()
    files.compact(db.session(), whole=False)
    flash(_("Erased. The record below says how much."))
    return hx.go("privacy.page")


def _preview(found: Subject, errors: dict[str, str] | None = None, held: Any = None) -> str:
    session = db.session()
    return render_template(
        "privacy/erase.html",
        subject=found,
        counts=found.counts(),
        places=finding.PLACES,
        held=held or scope.held(session, found),
        errors=errors or {},
        form=request.form,
    )


def _subject() -> Subject:
    """The card, the person or the number that the form names; 404 for what is not there."""
    session, row_id = db.session(), request.form.get("id", type=int)
    match request.form.get("kind"):
        case "card":
            return scope.of_card(session, load(select(Client).where(Client.id == row_id)))
        case "person":
            return scope.of_person(session, load(select(Person).where(Person.id == row_id)))
        case "number":
            found = scope.of_number(session, request.form.get("text", "")[:200], office_country())
            return found or abort(404)
        case _:
            abort(404)
