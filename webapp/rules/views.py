"""The head's rules for cards: extra fields, which status or stage may follow which, what a category calls for."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import allow, load, me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.languages import LANGUAGES
from webapp.office import changes
from webapp.rules import categories, extra, grids, renaming, setup, transitions
from webapp.rules.models import ExtraField

bp = Blueprint("rules", __name__, url_prefix="/settings")


# Extra fields


@bp.get("/extra-fields")
@allow(Role.HEAD)
def extra_fields() -> ResponseReturnValue:
    """The fields the head has added; `?field=` is opened to change."""
    field_id = request.args.get("field", type=int)
    one = _own(field_id) if field_id is not None else None
    return _fields(one, setup.Typed.of(one))


@bp.post("/extra-fields")
@allow(Role.HEAD)
def add_extra_field() -> ResponseReturnValue:
    """One more field."""
    return _save_field(None)


@bp.post("/extra-fields/<int:field_id>")
@allow(Role.HEAD)
def change_extra_field(field_id: int) -> ResponseReturnValue:
    """Other words or choices for a field."""
    return _save_field(_own(field_id))


@bp.post("/extra-fields/<int:field_id>/<any(up, down, retire, restore):what>")
@allow(Role.HEAD)
def move_extra_field(field_id: int, what: str) -> ResponseReturnValue:
    """Ask for it earlier or later, no more, or again."""
    session, one = db.session(), _own(field_id)
    name = one.name
    if what in ("up", "down"):
        setup.move(session, one, -1 if what == "up" else 1)
    elif what == "restore":
        setup.restore(session, one)
    elif setup.retire(session, one):
        flash(_("Deleted: %(name)s.", name=name), "good")
    else:
        flash(_("%(name)s is asked for no more; cards that have a value keep it.", name=name), "good")
    _announce_and_commit()
    return hx.go("rules.extra_fields")


def _own(field_id: int) -> ExtraField:
    return load(select(ExtraField).where(ExtraField.id == field_id))


def _save_field(one: ExtraField | None) -> ResponseReturnValue:
    typed = setup.Typed(
        {code: _line(f"name-{code}") for code in LANGUAGES},
        {code: _line(f"prompt-{code}") for code in LANGUAGES},
        one.kind if one else request.form.get("kind", ""),
        [
            *zip(request.form.getlist("was"), map(_tidy, request.form.getlist("choice")), strict=False),
            *(("", line) for line in map(_tidy, request.form.get("more", "").splitlines()) if line),
        ],
    )
    try:
        saved = setup.save(db.session(), one, typed, me(), here.now())
    except setup.Refused as refused:
        db.session.rollback()
        return _fields(_own(one.id) if one else None, typed, refused.errors), 422
    _announce_and_commit()
    flash(_("Saved: %(name)s.", name=saved.name), "good")
    return hx.go("rules.extra_fields")


def _fields(one: ExtraField | None, typed: setup.Typed, errors: Mapping[str, str] | None = None) -> str:
    errors = errors or {}
    places = list(enumerate(typed.choices))
    return render_template(
        "rules/extra_fields.html",
        rows=setup.all_fields(db.session()),
        editing=one,
        typed=typed,
        errors=errors,
        choices=[(place, *pair) for place, pair in places if pair[0] or f"choice-{place}" in errors],
        more=[pair[1] for place, pair in places if not pair[0] and f"choice-{place}" not in errors],
        kinds=extra.KINDS,
        job=renaming.open_job(db.session()),
    )


def _line(name: str) -> str:
    return _tidy(request.form.get(name, ""))


def _tidy(text: str) -> str:
    return " ".join(text.split())


# Which may follow which


@bp.get("/steps/<any(status, stage):name>")
@allow(Role.HEAD)
def steps(name: str) -> ResponseReturnValue:
    """A grid as it is."""
    grid = grids.read(db.session(), name)
    return _grid(grid, grids.problems(grid))


@bp.post("/steps/<any(status, stage):name>")
@allow(Role.HEAD)
def save_steps(name: str) -> ResponseReturnValue:
    """Save a grid as a whole, or go back to the default (`do`)."""
    session, grid = db.session(), grids.read(db.session(), name)
    if request.form.get("do") == "default":
        grids.forget(session, name)
    else:
        ticks = {(before, after) for before, dash, after in (cell.partition(">") for cell in _ticked()) if dash}
        typed = grids.Grid(name, grid.rows, grid.columns, ticks)
        if request.form.get("keys", "") != grid.keys:
            return _grid(grid, [_("The list of statuses has changed meanwhile. Look at the grid again.")]), 422
        try:
            grids.save(session, typed)
        except grids.Locked as locked:
            session.rollback()
            return _grid(typed, locked.problems, refused=True), 422
    _announce_and_commit()
    flash(_("Saved."), "good")
    return hx.go("rules.steps", name=name)


def _ticked() -> list[str]:
    return request.form.getlist("cell")


def _grid(grid: grids.Grid, problems: list[str], refused: bool = False) -> str:
    return render_template(
        "rules/steps.html",
        grid=grid,
        problems=problems,
        refused=refused,
        title=grids.TITLES[grid.name],
        end=transitions.END,
    )


# Categories


@bp.get("/categories", endpoint="categories")
@allow(Role.HEAD)
def categories_page() -> ResponseReturnValue:
    """What A, B and C mean and call for."""
    return _categories({}, {})


@bp.post("/categories")
@allow(Role.HEAD)
def save_categories() -> ResponseReturnValue:
    """Other words for all three."""
    typed: dict[str, str] = {}
    errors: dict[str, str] = {}
    for letter in categories.LETTERS:
        for what in ("meaning", "actions"):
            for code in LANGUAGES:
                name = f"{what}-{letter}-{code}"
                if name not in request.form:
                    abort(400)
                typed[name] = request.form[name].strip()
                if len(typed[name]) > categories.LONGEST:
                    errors[name] = _("At most %(most)d characters.", most=categories.LONGEST)
    if errors:
        return _categories(typed, errors), 422
    for letter in categories.LETTERS:
        meanings, actions = (
            {code: typed[f"{what}-{letter}-{code}"] for code in LANGUAGES} for what in ("meaning", "actions")
        )
        categories.save(db.session(), letter, meanings, actions)
    _announce_and_commit()
    flash(_("Saved."), "good")
    return hx.go("rules.categories")


def _categories(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    rows = categories.all_of_them(db.session())
    return render_template("rules/categories.html", rows=rows, typed=typed, errors=errors, most=categories.LONGEST)


def _announce_and_commit() -> None:
    changes.announce(db.session(), here.now())
    db.session.commit()
