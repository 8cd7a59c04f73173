"""The scripts as they are: what is wrong with the files, and each script drawn as a tree. Nothing is edited here."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from webapp.access import SALES, allow
from webapp.scripts import run
from webapp.scripts.grammar import LETTERS
from webapp.scripts.tree import draw
from webapp.scripts.walk import BRANCH_LABELS, SITUATION_LABELS

bp = Blueprint("scripts", __name__)


@bp.get("/scripts")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """Every script in use, and every problem of the files with file and line."""
    library = run.library()
    return render_template("scripts/index.html", scripts=library.scripts(), problems=library.problems())


@bp.get("/scripts/<script_id>/<language>")
@allow(*SALES)
def tree(script_id: str, language: str) -> ResponseReturnValue:
    """One script as a drawing and as a list of its steps."""
    library = run.library()
    found = {(one.script, one.language): one for one in library.scripts()}
    script = found.get((script_id, language))
    if script is None:
        abort(404)
    name = f"{script.script}.{script.language}.yaml"
    return render_template(
        "scripts/tree.html",
        script=script,
        drawing=Markup(draw(script)),  # noqa: S704  (draw escapes every text it takes from the file)
        problems=[problem for problem in library.problems() if problem.file == name],
        others=[one for one in library.scripts() if one.script == script_id and one.language != language],
        situations=SITUATION_LABELS,
        branches=BRANCH_LABELS,
        letters=LETTERS,
    )
