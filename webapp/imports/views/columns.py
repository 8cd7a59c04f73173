"""How a file is read: its encoding or sheet, what each column is, and what its cards get beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp import here, hx
from webapp.access import allow, me
from webapp.accounts.models import Role
from webapp.clients.contacts import office_country
from webapp.clients.queries import owners
from webapp.db import db
from webapp.imports import columns, csvs, exhibition, files, lists, reading
from webapp.imports.entries import Lists, read
from webapp.imports.files import BadFile
from webapp.imports.models import Import
from webapp.imports.views.blueprint import WHO, bp, data_folder, the_import
from webapp.imports.views.rows import shown
from webapp.office.models import Channel, ClientStatus
from webapp.office.queries import items
from webapp.rules import extra
from webapp.touches import typedtime


@bp.post("/<int:import_id>/form")
@allow(*WHO)
def form(import_id: int) -> ResponseReturnValue:
    """Read the file otherwise: another encoding, delimiter or sheet, names of columns or none."""
    import_ = the_import(import_id)
    names = ("encoding", "delimiter", "sheet")
    wanted: dict[str, Any] = {name: request.form[name] for name in names if request.form.get(name)}
    wanted["header"] = request.form.get("header") == "1"
    try:
        lists.read_otherwise(db.session(), data_folder(), import_, wanted, office_country())
    except BadFile as why:
        db.session.rollback()
        return mapping_page(the_import(import_id), form_error=str(why.message)), 422
    except lists.Busy:
        return hx.go("imports.page", import_id=import_id)
    db.session.commit()
    return hx.go("imports.page", import_id=import_.id)


@bp.post("/<int:import_id>/sample")
@allow(*WHO)
def sample(import_id: int) -> ResponseReturnValue:
    """The first rows, read by the columns as they are chosen now. Reads only; a POST keeps them out of addresses."""
    import_ = the_import(import_id)
    mapping = _typed_mapping(import_)
    return render_template("imports/_sample.html", **_sample(import_, mapping), error=columns.problem(mapping))


@bp.post("/<int:import_id>/mapping")
@allow(*WHO)
def mapping(import_id: int) -> ResponseReturnValue:
    """Say how the columns are read, and have the list looked through."""
    import_, typed = the_import(import_id), _typed_mapping(the_import(import_id))
    options, errors = _typed_options(import_)
    if problem := columns.problem(typed):
        errors["mapping"] = problem
    if errors:
        return mapping_page(import_, typed, errors), 422
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
            due = typedtime.moment(request.form.get("due", ""), here.now(), here.zone())
        except typedtime.BadTime as why:
            errors["due"] = str(why)
        else:
            if due is None:
                errors["due"] = _("Type a date and a time.")
            elif due <= here.now():
                errors["due"] = _("This time has passed; choose a later one.")
            else:
                options["due"] = due.isoformat()
    else:
        owner = request.form.get("owner", "")
        if owner and owner not in people:
            errors["owner"] = _("Choose one of the list.")
        options["owner"] = int(owner) if owner in people else None
    return options, errors


def mapping_page(
    import_: Import, typed: dict[str, str] | None = None, errors: dict[str, str] | None = None, form_error: str = ""
) -> str:
    """The page on which columns are chosen, as typed and with what is wrong when it didn't fit."""
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
        look = reading.look(files.path_of(data_folder(), import_.file), dict(import_.form))
    except BadFile as why:
        return {"first": [], "read": [], "sample_error": str(why.message)}
    first = look.first[: reading.SHOWN]
    known = Lists(db.session(), office_country())
    return {
        "first": first,
        "read": [shown(read(row, mapping, import_.headers, known, import_.kind)) for row in first],
        "sample_error": "",
    }


def _extra_labels() -> dict[str, str]:
    return {one.key: one.name for one in extra.fields(db.session())}
